-- yoshop v1 on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording. Times are unix seconds.

create table yoshop_order (
  order_id int unsigned not null auto_increment primary key,
  order_no varchar(20) not null,
  wxapp_id int unsigned not null,
  user_id int unsigned not null,
  pay_status tinyint unsigned not null default 20,
  delivery_status tinyint unsigned not null default 10,
  receipt_status tinyint unsigned not null default 10,
  order_status tinyint unsigned not null default 10,
  transaction_id varchar(30) not null default '',
  express_company varchar(50) not null default '',
  express_no varchar(50) not null default '',
  delivery_time int unsigned not null default 0,
  update_time int unsigned not null default 0
) engine=InnoDB default charset=utf8;
create table yoshop_order_goods (
  order_goods_id int unsigned not null auto_increment primary key, order_id int unsigned not null, goods_name varchar(255) not null, total_num int unsigned not null, key order_id (order_id)
) engine=InnoDB default charset=utf8;
create table yoshop_order_address (order_id int unsigned not null primary key, phone varchar(20) not null) engine=InnoDB default charset=utf8;
create table yoshop_user (user_id int unsigned not null primary key, wxapp_id int unsigned not null, open_id varchar(255) not null) engine=InnoDB default charset=utf8;
create table yoshop_wxapp (wxapp_id int unsigned not null primary key, app_id varchar(50) not null) engine=InnoDB default charset=utf8;

insert into yoshop_wxapp values (10001, 'wxfa0000yoshop0001'), (10002, 'wxfa0000yoshop0002');
insert into yoshop_user values (1, 10001, 'oFAKE-yo-1'), (2, 10002, 'oFAKE-yo-2');
insert into yoshop_order (order_id, order_no, wxapp_id, user_id, pay_status, transaction_id) values
  (1, 'yo1', 10001, 1, 20, '420000000020260902000001001'), (2, 'yo2', 10002, 2, 20, '420000000020260902000001002'), (3, 'yo3', 10001, 1, 20, ''),
  (4, 'yo4', 10001, 1, 20, '420000000020260902000001004'), (5, 'yo5', 10001, 1, 20, '420000000020260902000001005');
insert into yoshop_order_goods (order_id, goods_name, total_num) values (1, '保温杯', 1), (2, '核桃', 1), (2, '红枣', 2), (3, '毛巾', 1), (4, '茶叶', 1), (5, '雨伞', 1);
insert into yoshop_order_address select order_id, if(order_id = 2, '13900001234', '13900001111') from yoshop_order;
