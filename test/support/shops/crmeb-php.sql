-- CRMEB (PHP) on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording. Times are unix seconds.

create table eb_store_order (
  id int unsigned not null auto_increment primary key,
  pid int not null default 0,
  order_id varchar(32) not null,
  trade_no varchar(100) not null default '',
  uid int unsigned not null,
  pay_uid int unsigned not null default 0,
  user_phone varchar(18) not null default '',
  paid tinyint unsigned not null default 0,
  pay_time int unsigned,
  pay_type varchar(32) not null default 'weixin',
  is_channel tinyint unsigned not null default 1,
  status tinyint not null default 0,
  refund_status tinyint unsigned not null default 0,
  shipping_type tinyint not null default 1,
  delivery_type varchar(32),
  delivery_code varchar(50),
  delivery_name varchar(64),
  delivery_id varchar(64),
  remark varchar(512),
  is_del tinyint unsigned not null default 0,
  unique key order_id (order_id),
  key pid (pid)
) engine=InnoDB default charset=utf8mb4;

create table eb_store_order_cart_info (
  id int unsigned not null auto_increment primary key,
  oid int unsigned not null,
  cart_info text not null,
  cart_num int not null default 1,
  key oid (oid)
) engine=InnoDB default charset=utf8mb4;

create table eb_store_order_status (
  oid int unsigned not null, change_type varchar(32) not null, change_message varchar(256) not null, change_time int not null
) engine=InnoDB default charset=utf8mb4;

create table eb_wechat_user (
  uid int unsigned not null, openid varchar(30), user_type varchar(32) not null, key uid (uid)
) engine=InnoDB default charset=utf8mb4;

insert into eb_wechat_user values
  (1, 'oFAKE-cp-official-1', 'wechat'), (1, 'oFAKE-cp-mini-1', 'routine'), (2, 'oFAKE-cp-mini-2', 'routine');

insert into eb_store_order (id, order_id, trade_no, uid, pay_uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type) values
  (1, 'cp1', '4200000000202609020000002001', 1, 0, '13900001111', 1, 1788300001, 'weixin', 1, 1),
  (2, 'cp2', '4200000000202609020000002002', 1, 0, '13900001111', 1, 1788300002, 'weixin', 1, 1),
  (3, 'cp3', '4200000000202609020000002003', 1, 0, '13900001234', 1, 1788300003, 'weixin', 1, 1),
  (4, 'cp4', '4200000000202609020000002004', 2, 0, '13900002222', 1, 1788300004, 'weixin', 1, 1),
  (5, 'cp5', '', 2, 0, '13900002222', 1, 1788300005, 'yue', 1, 1),
  (6, 'cp6', '4200000000202609020000002006', 2, 0, '13900002222', 1, 1788300006, 'weixin', 1, 1),
  (7, 'cp7', '4200000000202609020000002007', 2, 0, '13900002222', 1, 1788300007, 'weixin', 1, 2),
  (8, 'cp8', '4200000000202609020000002008', 1, 2, '13900001111', 1, 1788300008, 'weixin', 1, 1),
  (9, 'cp9', '4200000000202609020000002009', 1, 0, '13900001111', 1, 1788300009, 'weixin', 0, 1),
  (10, 'cp10', '4200000000202609020000002010', 2, 0, '13900002222', 1, 1788300010, 'weixin', 1, 1);

insert into eb_store_order_cart_info (id, oid, cart_info, cart_num) values
  (1, 1, '{"productInfo":{"store_name":"\\u4fdd\\u6e29\\u676f"}}', 1),
  (2, 2, '{"productInfo":{"store_name":"茶叶"}}', 1), (3, 2, '{"productInfo":{"store_name":"茶杯"}}', 2),
  (4, 3, '{"productInfo":{"store_name":"核桃"}}', 1), (5, 3, '{"productInfo":{"store_name":"红枣"}}', 3),
  (6, 4, '{"productInfo":{"store_name":"雨伞"}}', 1), (7, 4, '{"productInfo":{"store_name":"雨衣"}}', 1),
  (8, 5, '{"productInfo":{"store_name":"毛巾"}}', 1), (9, 6, '{"productInfo":{"store_name":"鲜花"}}', 1),
  (10, 7, '{"productInfo":{"store_name":"鲜奶"}}', 2), (11, 8, '{"productInfo":{"store_name":"摄影课"}}', 1),
  (12, 9, '{"productInfo":{"store_name":"帆布袋"}}', 1),
  (13, 10, '{"productInfo":{"store_name":"陶碗"}}', 1), (14, 10, '{"productInfo":{"store_name":"竹筷"}}', 1);
