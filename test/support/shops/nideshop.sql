-- nideshop on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording. Times are unix seconds.

create table nideshop_order (
  id mediumint unsigned not null auto_increment primary key,
  order_sn varchar(20) not null,
  user_id mediumint unsigned not null,
  order_status smallint unsigned not null default 201,
  shipping_status tinyint unsigned not null default 0,
  pay_status tinyint unsigned not null default 2,
  mobile varchar(60) not null default '',
  parent_id mediumint unsigned not null default 0,
  postscript varchar(255) not null default ''
) engine=InnoDB default charset=utf8mb4;
create table nideshop_order_express (
  id mediumint unsigned not null auto_increment primary key, order_id mediumint unsigned not null, shipper_id mediumint unsigned not null default 0,
  shipper_name varchar(120) not null default '', shipper_code varchar(60) not null default '', logistic_code varchar(20) not null default '', update_time int not null default 0, key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table nideshop_order_goods (
  id mediumint unsigned not null auto_increment primary key, order_id mediumint unsigned not null, goods_name varchar(120) not null, number smallint unsigned not null, key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table nideshop_user (id mediumint unsigned not null primary key, weixin_openid varchar(50) not null default '') engine=InnoDB default charset=utf8mb4;

insert into nideshop_user values (1, 'oFAKE-nd-1'), (2, 'oFAKE-nd-2');
insert into nideshop_order (id, order_sn, user_id, pay_status, mobile) values
  (1, 'nd1', 1, 2, '13900001111'), (2, 'nd2', 2, 2, '13900001234'), (3, 'nd3', 2, 0, '13900002222'), (4, 'nd4', 1, 2, '13900001111');
insert into nideshop_order_goods (order_id, goods_name, number) values (1, '保温杯', 1), (2, '核桃', 1), (2, '红枣', 2), (3, '毛巾', 1), (4, '茶叶', 1);
