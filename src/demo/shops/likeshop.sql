-- likeshop (ThinkPHP 5.1) on MySQL or MariaDB, for `fahuo demo --shop likeshop`: the tables and columns that a shipping
-- event needs, and 20 made-up orders. The tables are those of the tests (test/support/shops/likeshop.sql), and a test says so.

CREATE TABLE ls_express (
  id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name varchar(32) NOT NULL,
  code varchar(128) NOT NULL,
  code100 varchar(128) NOT NULL,
  codebird varchar(128) NOT NULL,
  sort int(10) NOT NULL DEFAULT 0,
  del tinyint(1) DEFAULT 0,
  create_time int(11) DEFAULT NULL,
  update_time int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE ls_user_auth (
  id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id int(11) NOT NULL,
  openid varchar(32) NOT NULL,
  unionid varchar(32) DEFAULT '',
  create_time int(10) DEFAULT NULL,
  update_time int(10) DEFAULT NULL,
  client tinyint(1) NOT NULL,
  UNIQUE KEY openid (openid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE ls_order (
  id int(10) NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_sn varchar(20) DEFAULT '',
  user_id int(8) UNSIGNED DEFAULT 0,
  order_type tinyint(1) DEFAULT 0,
  order_source tinyint(1) DEFAULT 1,
  order_status tinyint(1) UNSIGNED NOT NULL DEFAULT 0,
  pay_status tinyint(1) UNSIGNED NOT NULL DEFAULT 0,
  pay_way tinyint(2) DEFAULT 1,
  pay_time int(10) UNSIGNED DEFAULT 0,
  consignee varchar(60) DEFAULT '',
  address varchar(255) DEFAULT '',
  mobile varchar(60) DEFAULT '',
  delivery_type tinyint(1) DEFAULT 1,
  order_amount decimal(10,2) DEFAULT 0.00,
  total_num int(10) DEFAULT 0,
  shipping_status tinyint(1) UNSIGNED DEFAULT 0,
  shipping_time int(11) DEFAULT 0,
  wechat_mini_express_sync tinyint(3) UNSIGNED DEFAULT 0,
  wechat_mini_express_sync_time int(10) UNSIGNED NOT NULL DEFAULT 0,
  transaction_id varchar(40) DEFAULT NULL,
  confirm_take_time int(10) DEFAULT NULL,
  cancel_time int(10) DEFAULT NULL,
  refund_status tinyint(1) DEFAULT 0,
  refund_amount decimal(10,2) DEFAULT NULL,
  del tinyint(1) DEFAULT 0,
  create_time int(10) UNSIGNED DEFAULT NULL,
  update_time int(10) UNSIGNED DEFAULT NULL,
  delivery_id int(11) DEFAULT 0,
  pickup_code varchar(20) DEFAULT NULL,
  verification_status tinyint(1) UNSIGNED DEFAULT 0,
  selffetch_shop_id int(11) DEFAULT 0,
  UNIQUE KEY order_sn (order_sn),
  KEY user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE ls_order_goods (
  id int(10) NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id int(10) DEFAULT 0,
  goods_id int(10) DEFAULT 0,
  item_id int(10) DEFAULT 0,
  goods_name varchar(64) DEFAULT NULL,
  goods_num int(10) DEFAULT 0,
  total_pay_price decimal(10,2) DEFAULT 0.00,
  refund_status tinyint(1) DEFAULT 0,
  goods_info text,
  create_time int(10) DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE ls_delivery (
  id int(11) UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id int(11) UNSIGNED NOT NULL,
  order_sn varchar(64) NOT NULL DEFAULT '',
  user_id int(11) UNSIGNED NOT NULL,
  admin_id int(11) UNSIGNED DEFAULT 0,
  consignee varchar(64) NOT NULL DEFAULT '',
  mobile varchar(20) DEFAULT '',
  address varchar(255) DEFAULT '',
  shipping_status tinyint(1) UNSIGNED DEFAULT 0,
  shipping_id int(10) DEFAULT NULL,
  shipping_name varchar(64) DEFAULT NULL,
  invoice_no varchar(255) DEFAULT '',
  send_type tinyint(1) DEFAULT 0,
  create_time int(11) NOT NULL,
  del tinyint(1) DEFAULT 0,
  KEY order_id (order_id),
  KEY user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE ls_verification (
  id int(11) UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id int(11) NOT NULL,
  selffetch_shop_id int(11) NOT NULL,
  handle_id int(11) NOT NULL DEFAULT 0,
  verification_scene tinyint(1) NOT NULL DEFAULT 0,
  snapshot text,
  create_time int(10) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE ls_recharge_order (
  id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_sn varchar(32) NOT NULL,
  transaction_id varchar(64) DEFAULT NULL,
  order_source tinyint(1) DEFAULT 1,
  pay_way tinyint(2) NOT NULL DEFAULT 1,
  pay_status tinyint(1) NOT NULL DEFAULT 0,
  pay_time int(10) DEFAULT NULL,
  user_id int(11) NOT NULL,
  order_amount decimal(10,2) NOT NULL,
  wechat_mini_express_sync tinyint(3) UNSIGNED DEFAULT 0,
  wechat_mini_express_sync_time int(10) UNSIGNED DEFAULT 0,
  create_time int(10) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- `code` is WeChat's id. The shop added the last one itself: see order 8.
INSERT INTO ls_express (id, name, code, code100, codebird) VALUES
  (11, '圆通', 'YTO', 'yuantong', 'YTO'), (12, '中通', 'ZTO', 'zhongtong', 'ZTO'), (13, '申通', 'STO', 'shentong', 'STO'),
  (14, '韵达', 'YD', 'yunda', 'YD'), (17, '顺丰', 'SF', 'shunfeng', 'SF'), (18, '极兔快递', 'JTSD', 'jtexpress', 'JTSD'),
  (21, '本店面包车', 'our_van', '', '');

-- client: 1 mini-program, 2 official account.
INSERT INTO ls_user_auth (user_id, openid, create_time, client) VALUES
  (101, 'oFAKE-ls-mini-000000000101', 1788228000, 1),
  (102, 'oFAKE-ls-mini-000000000102', 1788228000, 1),
  (103, 'oFAKE-ls-mini-000000000103', 1788228000, 1),
  (104, 'oFAKE-ls-mini-000000000104', 1788228000, 1),
  (105, 'oFAKE-ls-mini-000000000105', 1788228000, 1),
  (106, 'oFAKE-ls-mini-000000000106', 1788228000, 1),
  (107, 'oFAKE-ls-mini-000000000107', 1788228000, 1),
  (108, 'oFAKE-ls-mini-000000000108', 1788228000, 1),
  (109, 'oFAKE-ls-official-000000000109', 1788228000, 2),
  (110, 'oFAKE-ls-mini-000000000110', 1788228000, 1),
  (111, 'oFAKE-ls-mini-000000000111', 1788228000, 1),
  (112, 'oFAKE-ls-mini-000000000112', 1788228000, 1),
  (113, 'oFAKE-ls-mini-000000000113', 1788228000, 1),
  (114, 'oFAKE-ls-mini-000000000114', 1788228000, 1),
  (115, 'oFAKE-ls-mini-000000000115', 1788228000, 1),
  (116, 'oFAKE-ls-mini-000000000116', 1788228000, 1),
  (117, 'oFAKE-ls-mini-000000000117', 1788228000, 1),
  (118, 'oFAKE-ls-mini-000000000118', 1788228000, 1),
  (119, 'oFAKE-ls-mini-000000000119', 1788228000, 1),
  (120, 'oFAKE-ls-mini-000000000120', 1788228000, 1);

-- order_source: 1 mini-program, 2 official account; pay_way: 1 WeChat Pay, 3 balance, 4 offline.
INSERT INTO ls_order (id, order_sn, user_id, order_source, order_status, pay_status, pay_way, pay_time, consignee, address, mobile, delivery_type, order_amount, total_num, transaction_id, create_time, update_time) VALUES
  (1, '202609010000000001', 101, 1, 1, 1, 1, 1788228001, '测试甲', '虚构路 1 号', '13900000001', 1, 59.00, 1, '4200000000202609010000001001', 1788228000, 1788228001),
  (2, '202609010000000002', 102, 1, 1, 1, 1, 1788228002, '测试乙', '虚构路 2 号', '13900000002', 1, 128.00, 1, '4200000000202609010000001002', 1788228000, 1788228002),
  (3, '202609010000000003', 103, 1, 1, 1, 1, 1788228003, '测试丙', '虚构路 3 号', '13900000003', 1, 199.00, 1, '4200000000202609010000001003', 1788228000, 1788228003),
  (4, '202609010000000004', 104, 1, 1, 1, 1, 1788228004, '测试丁', '', '13900000004', 2, 15.00, 2, '4200000000202609010000001004', 1788228000, 1788228004),
  (5, '202609010000000005', 105, 1, 1, 1, 3, 1788228005, '测试戊', '虚构路 5 号', '13900000005', 1, 29.00, 1, '', 1788228000, 1788228005),
  (6, '202609010000000006', 106, 1, 1, 1, 1, 1788228006, '测试己', '虚构路 6 号', '13900000006', 1, 99.00, 1, '4200000000202609010000001006', 1788228000, 1788228006),
  (7, '202609010000000007', 107, 1, 1, 1, 1, 1788228007, '测试庚', '虚构路 7 号', '13900000007', 1, 88.00, 3, '4200000000202609010000001007', 1788228000, 1788228007),
  (8, '202609010000000008', 108, 1, 1, 1, 1, 1788228008, '测试辛', '虚构路 8 号', '13900000008', 1, 259.00, 1, '4200000000202609010000001008', 1788228000, 1788228008),
  (9, '202609010000000009', 109, 2, 1, 1, 1, 1788228009, '测试壬', '虚构路 9 号', '13900000009', 1, 49.00, 1, '4200000000202609010000001009', 1788228000, 1788228009),
  (10, '202609010000000010', 110, 1, 1, 1, 4, 1788228010, '测试癸', '虚构路 10 号', '13900000010', 1, 35.00, 1, '', 1788228000, 1788228010),
  (11, '202609010000000011', 111, 1, 1, 1, 1, 1788228011, '测试甲', '虚构路 11 号', '13900000011', 1, 159.00, 1, '4200000000202609010000001011', 1788228000, 1788228011),
  (12, '202609010000000012', 112, 1, 1, 1, 1, 1788228012, '测试乙', '虚构路 12 号', '13900000012', 1, 45.00, 1, '4200000000202609010000001012', 1788228000, 1788228012),
  (13, '202609010000000013', 113, 1, 1, 1, 1, 1788228013, '测试丙', '虚构路 13 号', '13900000013', 1, 320.00, 1, '4200000000202609010000001013', 1788228000, 1788228013),
  (14, '202609010000000014', 114, 1, 1, 1, 1, 1788228014, '测试丁', '虚构路 14 号', '13900000014', 1, 139.00, 1, '4200000000202609010000001014', 1788228000, 1788228014),
  (15, '202609010000000015', 115, 1, 1, 1, 1, 1788228015, '测试戊', '虚构路 15 号', '13900000015', 1, 69.00, 1, '4200000000202609010000001015', 1788228000, 1788228015),
  (16, '202609010000000016', 116, 1, 1, 1, 1, 1788228016, '测试己', '虚构路 16 号', '13900000016', 1, 356.00, 2, '4200000000202609010000001016', 1788228000, 1788228016),
  (17, '202609010000000017', 117, 1, 1, 1, 1, 1788228017, '测试庚', '虚构路 17 号', '13900000017', 1, 79.00, 1, '4200000000202609010000001017', 1788228000, 1788228017),
  (18, '202609010000000018', 118, 1, 1, 1, 1, 1788228018, '测试辛', '虚构路 18 号', '13900000018', 1, 58.00, 1, '4200000000202609010000001018', 1788228000, 1788228018),
  (19, '202609010000000019', 119, 1, 1, 1, 1, 1788228019, '测试壬', '虚构路 19 号', '13900000019', 1, 89.00, 1, '4200000000202609010000001019', 1788228000, 1788228019),
  (20, '202609010000000020', 120, 1, 1, 1, 1, 1788228020, '测试癸', '虚构路 20 号', '13900000020', 1, 49.00, 1, '4200000000202609010000001020', 1788228000, 1788228020);

INSERT INTO ls_order_goods (id, order_id, goods_id, item_id, goods_name, goods_num, total_pay_price) VALUES
  (1, 1, 1, 1, '保温杯', 1, 59.00),
  (2, 2, 2, 2, '山核桃礼盒', 1, 128.00),
  (3, 3, 3, 3, '摄影课', 1, 199.00),
  (4, 4, 4, 4, '鲜奶', 2, 15.00),
  (5, 5, 5, 5, '毛巾', 1, 29.00),
  (6, 6, 6, 6, '茶叶', 1, 99.00),
  (7, 7, 7, 7, '帆布袋', 2, 58.00),
  (8, 7, 8, 8, '笔记本', 1, 30.00),
  (9, 8, 9, 9, '花架', 1, 259.00),
  (10, 9, 10, 10, '雨伞', 1, 49.00),
  (11, 10, 11, 11, '抹布', 1, 35.00),
  (12, 11, 12, 12, '台灯', 1, 159.00),
  (13, 12, 13, 13, '红富士苹果 5kg', 1, 45.00),
  (14, 13, 14, 14, '紫砂壶', 1, 320.00),
  (15, 14, 15, 15, '羊毛围巾', 1, 139.00),
  (16, 15, 16, 16, '儿童雨靴', 1, 69.00),
  (17, 16, 17, 17, '龙井茶 250g', 2, 356.00),
  (18, 17, 18, 18, '棉麻桌布', 1, 79.00),
  (19, 18, 19, 19, '蜂蜜 500g', 1, 58.00),
  (20, 19, 20, 20, '香薰蜡烛', 1, 89.00),
  (21, 20, 21, 21, '竹编篮', 1, 49.00);
