-- yudao mall (ruoyi-vue-pro) on PostgreSQL, for `fahuo demo --shop yudao`: the tables and columns that a shipping event
-- needs, and 20 made-up orders. The tables are those of the tests (test/support/shops/yudao.sql), and a test says so.

CREATE TABLE trade_delivery_express (
  id int8 PRIMARY KEY,
  code varchar(64) NOT NULL,
  name varchar(64) NOT NULL,
  sort int4 NOT NULL DEFAULT 0,
  status int2 NOT NULL DEFAULT 0,
  creator varchar(64) DEFAULT '', create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updater varchar(64) DEFAULT '', update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted int2 NOT NULL DEFAULT 0,
  tenant_id int8 NOT NULL DEFAULT 0
);

CREATE TABLE pay_channel (
  id int8 PRIMARY KEY,
  code varchar(32) NOT NULL,
  status int2 NOT NULL,
  app_id int8 NOT NULL,
  config varchar(4096) NOT NULL,
  creator varchar(64) DEFAULT '', create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updater varchar(64) DEFAULT '', update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted int2 NOT NULL DEFAULT 0,
  tenant_id int8 NOT NULL DEFAULT 0
);

CREATE TABLE pay_order (
  id int8 PRIMARY KEY,
  app_id int8 NOT NULL,
  channel_id int8,
  channel_code varchar(32),
  merchant_order_id varchar(64) NOT NULL,
  subject varchar(32) NOT NULL,
  body varchar(128) NOT NULL,
  price int8 NOT NULL,
  status int2 NOT NULL,
  success_time timestamp,
  extension_id int8,
  no varchar(64),
  refund_price int8 NOT NULL DEFAULT 0,
  channel_user_id varchar(255),
  channel_order_no varchar(64),
  creator varchar(64) DEFAULT '', create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updater varchar(64) DEFAULT '', update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted int2 NOT NULL DEFAULT 0,
  tenant_id int8 NOT NULL DEFAULT 0
);
CREATE INDEX idx_pay_order_01 ON pay_order (app_id, merchant_order_id);

CREATE TABLE trade_order (
  id int8 PRIMARY KEY,
  no varchar(32) NOT NULL,
  type int4 NOT NULL DEFAULT 0,
  terminal int4 NOT NULL,
  user_id int8 NOT NULL,
  status int4 NOT NULL DEFAULT 0,
  product_count int4 NOT NULL,
  cancel_type int4,
  pay_order_id int8,
  pay_status bool NOT NULL DEFAULT false,
  pay_time timestamp,
  pay_channel_code varchar(16),
  finish_time timestamp,
  cancel_time timestamp,
  pay_price int4 NOT NULL DEFAULT 0,
  delivery_type int2 NOT NULL,
  logistics_id int8,
  logistics_no varchar(64),
  delivery_time timestamp,
  receive_time timestamp,
  receiver_name varchar(20) NOT NULL,
  receiver_mobile varchar(20) NOT NULL,
  receiver_detail_address varchar(255),
  pick_up_store_id int8,
  pick_up_verify_code varchar(64),
  refund_status int2 NOT NULL DEFAULT 0,
  refund_price int4 NOT NULL DEFAULT 0,
  creator varchar(64) DEFAULT '', create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updater varchar(64) DEFAULT '', update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted int2 NOT NULL DEFAULT 0,
  tenant_id int8 NOT NULL DEFAULT 0
);

CREATE TABLE trade_order_item (
  id int8 PRIMARY KEY,
  user_id int8 NOT NULL,
  order_id int8 NOT NULL,
  spu_id int8 NOT NULL,
  spu_name varchar(255) NOT NULL,
  sku_id int8 NOT NULL,
  properties jsonb,
  count int4 NOT NULL,
  pay_price int4 NOT NULL DEFAULT 0,
  after_sale_id int8,
  after_sale_status int4 NOT NULL DEFAULT 0,
  creator varchar(64) DEFAULT '', create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updater varchar(64) DEFAULT '', update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted int2 NOT NULL DEFAULT 0,
  tenant_id int8 NOT NULL DEFAULT 0
);

CREATE TABLE pay_wallet_recharge (
  id int8 PRIMARY KEY,
  wallet_id int8 NOT NULL,
  total_price int4 NOT NULL,
  pay_price int4 NOT NULL,
  pay_status bool NOT NULL DEFAULT false,
  pay_order_id int8,
  pay_channel_code varchar(16),
  pay_time timestamp,
  refund_status int2 NOT NULL DEFAULT 0,
  creator varchar(64) DEFAULT '', create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updater varchar(64) DEFAULT '', update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted int2 NOT NULL DEFAULT 0,
  tenant_id int8 NOT NULL DEFAULT 0
);

-- The carriers as a clerk typed them in. No carrier of WeChat's is called our_van: see order 110.
INSERT INTO trade_delivery_express (id, code, name, tenant_id) VALUES
  (1, 'STO', '申通快递', 1), (2, 'SF', '顺丰速运', 1), (3, 'zhongtong', '中通快递', 1), (4, 'YD', '韵达快递', 1),
  (5, 'YTO', '圆通速递', 1), (6, 'our_van', '本店面包车', 1);

-- How a buyer may pay: WeChat Pay in the mini-program, in the official account, and from the wallet.
INSERT INTO pay_channel (id, code, status, app_id, config, tenant_id) VALUES
  (11, 'wx_lite', 0, 1, '{"appId":"wxfa00000000000001","mchId":"1900000001","apiVersion":"v3"}', 1),
  (12, 'wx_pub',  0, 1, '{"appId":"wxfa0000000000pub1","mchId":"1900000001","apiVersion":"v3"}', 1),
  (13, 'wallet',  0, 1, '{"name":"wallet-conf"}', 1);

INSERT INTO pay_order (id, app_id, channel_id, channel_code, merchant_order_id, subject, body, price, status, success_time, no, channel_user_id, channel_order_no, tenant_id) VALUES
  (201, 1, 11, 'wx_lite', '101', '保温杯', '保温杯', 5900, 10, '2026-09-01 10:00:01', 'P202609011000010000000201', 'oFAKE-yudao-lite-00000000101', '4200000000202609010000000101', 1),
  (202, 1, 11, 'wx_lite', '102', '山核桃礼盒', '山核桃礼盒', 12800, 10, '2026-09-01 10:02:01', 'P202609011002010000000202', 'oFAKE-yudao-lite-00000000102', '4200000000202609010000000102', 1),
  (203, 1, 11, 'wx_lite', '103', '帆布袋', '帆布袋', 8800, 10, '2026-09-01 10:04:01', 'P202609011004010000000203', 'oFAKE-yudao-lite-00000000103', '4200000000202609010000000103', 1),
  (204, 1, 11, 'wx_lite', '104', '摄影课', '摄影课', 19900, 10, '2026-09-01 10:06:01', 'P202609011006010000000204', 'oFAKE-yudao-lite-00000000104', '4200000000202609010000000104', 1),
  (205, 1, 11, 'wx_lite', '105', '鲜奶', '鲜奶', 1500, 10, '2026-09-01 10:08:01', 'P202609011008010000000205', 'oFAKE-yudao-lite-00000000105', '4200000000202609010000000105', 1),
  (206, 1, 13, 'wallet', '106', '毛巾', '毛巾', 2900, 10, '2026-09-01 10:10:01', 'P202609011010010000000206', '77', 'W202609011010010000000106', 1),
  (207, 1, 12, 'wx_pub', '107', '雨伞', '雨伞', 4900, 10, '2026-09-01 10:12:01', 'P202609011012010000000207', 'oFAKE-yudao-pub-000000000107', '4200000000202609010000000107', 1),
  (208, 1, 11, 'wx_lite', '108', '茶叶', '茶叶', 9900, 10, '2026-09-01 10:14:01', 'P202609011014010000000208', 'oFAKE-yudao-lite-00000000108', '4200000000202609010000000108', 1),
  (209, 1, 11, 'wx_lite', '109', '台灯', '台灯', 15900, 10, '2026-09-01 10:16:01', 'P202609011016010000000209', 'oFAKE-yudao-lite-00000000109', '4200000000202609010000000109', 1),
  (210, 1, 11, 'wx_lite', '110', '花架', '花架', 25900, 10, '2026-09-01 10:18:01', 'P202609011018010000000210', 'oFAKE-yudao-lite-00000000110', '4200000000202609010000000110', 1),
  (211, 1, NULL, NULL, '111', '袜子', '袜子', 1900, 0, NULL, NULL, NULL, NULL, 1),
  (212, 1, 11, 'wx_lite', '112', '红富士苹果 5kg', '红富士苹果 5kg', 4500, 10, '2026-09-01 10:22:01', 'P202609011022010000000212', 'oFAKE-yudao-lite-00000000112', '4200000000202609010000000112', 1),
  (213, 1, 11, 'wx_lite', '113', '紫砂壶', '紫砂壶', 32000, 10, '2026-09-01 10:24:01', 'P202609011024010000000213', 'oFAKE-yudao-lite-00000000113', '4200000000202609010000000113', 1),
  (214, 1, 11, 'wx_lite', '114', '羊毛围巾', '羊毛围巾', 13900, 10, '2026-09-01 10:26:01', 'P202609011026010000000214', 'oFAKE-yudao-lite-00000000114', '4200000000202609010000000114', 1),
  (215, 1, 11, 'wx_lite', '115', '儿童雨靴', '儿童雨靴', 6900, 10, '2026-09-01 10:28:01', 'P202609011028010000000215', 'oFAKE-yudao-lite-00000000115', '4200000000202609010000000115', 1),
  (216, 1, 11, 'wx_lite', '116', '龙井茶 250g', '龙井茶 250g', 35600, 10, '2026-09-01 10:30:01', 'P202609011030010000000216', 'oFAKE-yudao-lite-00000000116', '4200000000202609010000000116', 1),
  (217, 1, 11, 'wx_lite', '117', '棉麻桌布', '棉麻桌布', 7900, 10, '2026-09-01 10:32:01', 'P202609011032010000000217', 'oFAKE-yudao-lite-00000000117', '4200000000202609010000000117', 1),
  (218, 1, 11, 'wx_lite', '118', '蜂蜜 500g', '蜂蜜 500g', 5800, 10, '2026-09-01 10:34:01', 'P202609011034010000000218', 'oFAKE-yudao-lite-00000000118', '4200000000202609010000000118', 1),
  (219, 1, 11, 'wx_lite', '119', '香薰蜡烛', '香薰蜡烛', 8900, 10, '2026-09-01 10:36:01', 'P202609011036010000000219', 'oFAKE-yudao-lite-00000000119', '4200000000202609010000000119', 1),
  (220, 1, 11, 'wx_lite', '120', '竹编篮', '竹编篮', 4900, 10, '2026-09-01 10:38:01', 'P202609011038010000000220', 'oFAKE-yudao-lite-00000000120', '4200000000202609010000000120', 1);

INSERT INTO trade_order (id, no, type, terminal, user_id, status, product_count, pay_order_id, pay_status, pay_time, pay_channel_code, pay_price, delivery_type, receiver_name, receiver_mobile, receiver_detail_address, tenant_id) VALUES
  (101, 'o202609010101', 0, 10, 50, 10, 1, 201, true, '2026-09-01 10:00:02', 'wx_lite', 5900, 1, '测试甲', '13800000001', '虚构路 1 号', 1),
  (102, 'o202609010102', 0, 10, 51, 10, 1, 202, true, '2026-09-01 10:02:02', 'wx_lite', 12800, 1, '测试乙', '13800000002', '虚构路 2 号', 1),
  (103, 'o202609010103', 0, 10, 52, 10, 3, 203, true, '2026-09-01 10:04:02', 'wx_lite', 8800, 1, '测试丙', '13800000003', '虚构路 3 号', 1),
  (104, 'o202609010104', 0, 10, 53, 10, 1, 204, true, '2026-09-01 10:06:02', 'wx_lite', 19900, 1, '测试丁', '13800000004', '虚构路 4 号', 1),
  (105, 'o202609010105', 0, 10, 54, 10, 2, 205, true, '2026-09-01 10:08:02', 'wx_lite', 1500, 2, '测试戊', '13800000005', NULL, 1),
  (106, 'o202609010106', 0, 10, 55, 10, 1, 206, true, '2026-09-01 10:10:02', 'wallet', 2900, 1, '测试己', '13800000006', '虚构路 6 号', 1),
  (107, 'o202609010107', 0, 10, 56, 10, 1, 207, true, '2026-09-01 10:12:02', 'wx_pub', 4900, 1, '测试庚', '13800000007', '虚构路 7 号', 1),
  (108, 'o202609010108', 0, 10, 57, 10, 1, 208, true, '2026-09-01 10:14:02', 'wx_lite', 9900, 1, '测试辛', '13800000008', '虚构路 8 号', 1),
  (109, 'o202609010109', 0, 10, 58, 10, 1, 209, true, '2026-09-01 10:16:02', 'wx_lite', 15900, 1, '测试壬', '13800000009', '虚构路 9 号', 1),
  (110, 'o202609010110', 0, 10, 59, 10, 1, 210, true, '2026-09-01 10:18:02', 'wx_lite', 25900, 1, '测试癸', '13800000010', '虚构路 10 号', 1),
  (111, 'o202609010111', 0, 10, 60, 0, 3, 211, false, NULL, NULL, 1900, 1, '测试甲', '13800000011', '虚构路 11 号', 1),
  (112, 'o202609010112', 0, 10, 61, 10, 1, 212, true, '2026-09-01 10:22:02', 'wx_lite', 4500, 1, '测试乙', '13800000012', '虚构路 12 号', 1),
  (113, 'o202609010113', 0, 10, 62, 10, 1, 213, true, '2026-09-01 10:24:02', 'wx_lite', 32000, 1, '测试丙', '13800000013', '虚构路 13 号', 1),
  (114, 'o202609010114', 0, 10, 63, 10, 1, 214, true, '2026-09-01 10:26:02', 'wx_lite', 13900, 1, '测试丁', '13800000014', '虚构路 14 号', 1),
  (115, 'o202609010115', 0, 10, 64, 10, 1, 215, true, '2026-09-01 10:28:02', 'wx_lite', 6900, 1, '测试戊', '13800000015', '虚构路 15 号', 1),
  (116, 'o202609010116', 0, 10, 65, 10, 2, 216, true, '2026-09-01 10:30:02', 'wx_lite', 35600, 1, '测试己', '13800000016', '虚构路 16 号', 1),
  (117, 'o202609010117', 0, 10, 66, 10, 1, 217, true, '2026-09-01 10:32:02', 'wx_lite', 7900, 1, '测试庚', '13800000017', '虚构路 17 号', 1),
  (118, 'o202609010118', 0, 10, 67, 10, 1, 218, true, '2026-09-01 10:34:02', 'wx_lite', 5800, 1, '测试辛', '13800000018', '虚构路 18 号', 1),
  (119, 'o202609010119', 0, 10, 68, 10, 1, 219, true, '2026-09-01 10:36:02', 'wx_lite', 8900, 1, '测试壬', '13800000019', '虚构路 19 号', 1),
  (120, 'o202609010120', 0, 10, 69, 10, 1, 220, true, '2026-09-01 10:38:02', 'wx_lite', 4900, 1, '测试癸', '13800000020', '虚构路 20 号', 1);

INSERT INTO trade_order_item (id, user_id, order_id, spu_id, spu_name, sku_id, count, pay_price, tenant_id) VALUES
  (1, 50, 101, 1, '保温杯', 1, 1, 5900, 1),
  (2, 51, 102, 2, '山核桃礼盒', 2, 1, 12800, 1),
  (3, 52, 103, 3, '帆布袋', 3, 2, 4400, 1),
  (4, 52, 103, 4, '笔记本', 4, 1, 4400, 1),
  (5, 53, 104, 5, '摄影课', 5, 1, 19900, 1),
  (6, 54, 105, 6, '鲜奶', 6, 2, 1500, 1),
  (7, 55, 106, 7, '毛巾', 7, 1, 2900, 1),
  (8, 56, 107, 8, '雨伞', 8, 1, 4900, 1),
  (9, 57, 108, 9, '茶叶', 9, 1, 9900, 1),
  (10, 58, 109, 10, '台灯', 10, 1, 15900, 1),
  (11, 59, 110, 11, '花架', 11, 1, 25900, 1),
  (12, 60, 111, 12, '袜子', 12, 3, 1900, 1),
  (13, 61, 112, 13, '红富士苹果 5kg', 13, 1, 4500, 1),
  (14, 62, 113, 14, '紫砂壶', 14, 1, 32000, 1),
  (15, 63, 114, 15, '羊毛围巾', 15, 1, 13900, 1),
  (16, 64, 115, 16, '儿童雨靴', 16, 1, 6900, 1),
  (17, 65, 116, 17, '龙井茶 250g', 17, 2, 35600, 1),
  (18, 66, 117, 18, '棉麻桌布', 18, 1, 7900, 1),
  (19, 67, 118, 19, '蜂蜜 500g', 19, 1, 5800, 1),
  (20, 68, 119, 20, '香薰蜡烛', 20, 1, 8900, 1),
  (21, 69, 120, 21, '竹编篮', 21, 1, 4900, 1);
