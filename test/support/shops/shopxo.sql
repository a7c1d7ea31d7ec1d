-- ShopXO on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording. Times are unix seconds.

create table sxo_order (
  id int unsigned not null auto_increment primary key,
  order_no char(60) not null,
  user_id int unsigned not null default 0,
  status tinyint unsigned not null default 2,
  pay_status tinyint unsigned not null default 1,
  order_model tinyint unsigned not null default 0,
  client_type char(30) not null default 'weixin',
  system_type char(60) not null default 'default',
  delivery_time int unsigned not null default 0,
  user_is_delete_time int unsigned not null default 0,
  upd_time int unsigned not null default 0
) engine=InnoDB default charset=utf8mb4;

create table sxo_order_express (
  id int unsigned not null auto_increment primary key,
  order_id int unsigned not null,
  express_id int unsigned not null,
  express_number char(60) not null,
  add_time int unsigned not null default 0,
  key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;

create table sxo_pay_log (
  id int unsigned not null auto_increment primary key, log_no char(60) not null, payment char(60) not null,
  trade_no char(100) not null default '', buyer_user char(60) not null default '', status tinyint unsigned not null default 0
) engine=InnoDB default charset=utf8mb4;
create table sxo_pay_log_value (
  id int unsigned not null auto_increment primary key, pay_log_id int unsigned not null, business_id int unsigned not null,
  key pay_log_id (pay_log_id), key business_id (business_id)
) engine=InnoDB default charset=utf8mb4;
create table sxo_order_detail (
  id int unsigned not null auto_increment primary key, order_id int unsigned not null, title char(160) not null, buy_number int unsigned not null, key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table sxo_order_address (id int unsigned not null auto_increment primary key, order_id int unsigned not null, tel char(15) not null, key order_id (order_id)) engine=InnoDB default charset=utf8mb4;
create table sxo_express (id int unsigned not null primary key, name char(30) not null) engine=InnoDB default charset=utf8mb4;
create table sxo_order_delivery_sync_weixin (
  id int unsigned not null auto_increment primary key, order_id int unsigned not null, status tinyint unsigned not null default 0, key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;

insert into sxo_express values (1, '顺丰快递'), (2, '圆通快递'), (3, '中通快递'), (4, '村里的三轮车');
insert into sxo_order (id, order_no, status, order_model, client_type) values
  (1, 'sx1', 2, 0, 'weixin'), (2, 'sx2', 2, 0, 'weixin'), (3, 'sx3', 2, 0, 'weixin'), (4, 'sx4', 2, 0, 'weixin'), (5, 'sx5', 2, 1, 'weixin'),
  (6, 'sx6', 2, 2, 'weixin'), (7, 'sx7', 2, 3, 'weixin'), (8, 'sx8', 2, 0, 'weixin'), (9, 'sx9', 2, 0, 'h5'), (10, 'sx10', 2, 0, 'weixin'),
  (11, 'sx11', 2, 0, 'weixin'), (12, 'sx12', 3, 0, 'weixin'), (13, 'sx13', 2, 0, 'weixin');
insert into sxo_order_detail (order_id, title, buy_number) values
  (1, '保温杯', 1), (2, '核桃', 2), (2, '红枣', 1), (3, '雨伞', 1), (4, '雨衣', 1), (5, '鲜花', 1), (6, '鲜奶', 2), (7, '摄影课', 1),
  (8, '毛巾', 1), (9, '书', 1), (10, '笔', 1), (11, '茶', 1), (12, '碗', 1), (13, '筷', 1);
insert into sxo_order_address (order_id, tel) select id, if(id = 3, '13900001234', '13900001111') from sxo_order;
insert into sxo_pay_log (id, log_no, payment, trade_no, buyer_user, status) values
  (1, 'pl1', 'WeixinAppMini', '4200000000202609020000004001', 'oFAKE-sx-1', 1),
  (2, 'pl2', 'Weixin', '4200000000202609020000004002', 'oFAKE-sx-2', 1),
  (3, 'pl3', 'Weixin', '', '', 0),
  (4, 'pl4', 'Weixin', '4200000000202609020000004004', 'oFAKE-sx-1', 1),
  (5, 'pl5', 'Weixin', '4200000000202609020000004005', 'oFAKE-sx-1', 1), (6, 'pl6', 'Weixin', '4200000000202609020000004006', 'oFAKE-sx-1', 1),
  (7, 'pl7', 'Weixin', '4200000000202609020000004007', 'oFAKE-sx-1', 1), (8, 'pl8', 'Alipay', '2026090222001', 'someone', 1),
  (9, 'pl9', 'Weixin', '4200000000202609020000004009', 'oFAKE-sx-h5', 1), (10, 'pl10', 'Weixin', '4200000000202609020000004010', 'oFAKE-sx-2', 1),
  (12, 'pl12', 'Weixin', '4200000000202609020000004012', 'oFAKE-sx-2', 1), (13, 'pl13', 'Weixin', '4200000000202609020000004013', 'oFAKE-sx-2', 1);
-- 3 and 4 were paid together, at the second attempt; so were 10 and 11.
insert into sxo_pay_log_value (pay_log_id, business_id) values
  (1, 1), (2, 2), (3, 3), (3, 4), (4, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8), (9, 9), (10, 10), (10, 11), (12, 12), (13, 13);
-- 12 was shipped, and uploaded by the shop, before fahuo came.
insert into sxo_order_express (id, order_id, express_id, express_number) values (1, 12, 2, 'YT4012');
insert into sxo_order_delivery_sync_weixin (order_id, status) values (12, 1);
