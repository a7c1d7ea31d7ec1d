-- CRMEB (Java) on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording.

create table eb_store_order (
  id int unsigned not null auto_increment primary key,
  order_id varchar(32) not null,
  uid int unsigned not null,
  user_phone varchar(18) not null default '',
  paid tinyint unsigned not null default 0,
  pay_time timestamp null,
  pay_type varchar(32) not null default 'weixin',
  is_channel tinyint unsigned not null default 1,
  out_trade_no varchar(32),
  status int not null default 0,
  refund_status tinyint unsigned not null default 0,
  shipping_type tinyint not null default 1,
  delivery_type varchar(32),
  delivery_code varchar(50),
  delivery_name varchar(64),
  delivery_id varchar(64),
  mark varchar(512),
  update_time timestamp null,
  unique key order_id (order_id),
  key out_trade_no (out_trade_no)
) engine=InnoDB default charset=utf8mb4;
create table eb_store_order_info (
  id int unsigned not null auto_increment primary key, order_id int unsigned not null, product_name varchar(128), pay_num int not null, key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table eb_wechat_pay_info (
  id int unsigned not null auto_increment primary key, out_trade_no varchar(32) not null, transaction_id varchar(32), open_id varchar(128), key out_trade_no (out_trade_no)
) engine=InnoDB default charset=utf8mb4;
create table eb_user_token (id int unsigned not null auto_increment primary key, uid int unsigned not null, token varchar(255), type tinyint not null, key uid (uid)) engine=InnoDB default charset=utf8mb4;
create table eb_store_order_status (oid int unsigned not null, change_type varchar(32), change_message varchar(256)) engine=InnoDB default charset=utf8mb4;

insert into eb_user_token (uid, token, type) values (1, 'oFAKE-cj-official-1', 1), (1, 'oFAKE-cj-mini-1', 2), (2, 'oFAKE-cj-mini-2', 2);
insert into eb_store_order (id, order_id, uid, user_phone, paid, pay_type, out_trade_no, shipping_type) values
  (1, 'cj1', 1, '13900001111', 1, 'weixin', 'CJ1', 1), (2, 'cj2', 2, '13900001234', 1, 'weixin', 'CJ2', 1),
  (3, 'cj3', 2, '13900002222', 1, 'yue', null, 1), (4, 'cj4', 2, '13900002222', 1, 'weixin', 'CJ4', 2), (5, 'cj5', 2, '13900002222', 1, 'weixin', 'CJ5', 1);
insert into eb_store_order_info (order_id, product_name, pay_num) values (1, '保温杯', 1), (2, '核桃', 1), (2, '红枣', 2), (3, '毛巾', 1), (4, '鲜奶', 2), (5, '茶叶', 1);
insert into eb_wechat_pay_info (out_trade_no, transaction_id, open_id) values
  ('CJ1', '4200000000202609020000007001', 'oFAKE-cj-payer-1'), ('CJ2', '4200000000202609020000007002', ''), ('CJ4', '4200000000202609020000007004', 'oFAKE-cj-mini-2'),
  ('CJ5', '4200000000202609020000007005', 'oFAKE-cj-mini-2');
