-- macrozheng/mall on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording, and the table that an
-- adopter adds for what the shop doesn't know.

create table oms_order (
  id bigint not null auto_increment primary key,
  order_sn varchar(64),
  pay_type int not null default 0,
  status int not null default 0,
  delivery_company varchar(64),
  delivery_sn varchar(64),
  delivery_time datetime,
  receiver_phone varchar(32) not null default '',
  delete_status int not null default 0
) engine=InnoDB default charset=utf8;
create table oms_order_item (
  id bigint not null auto_increment primary key, order_id bigint not null, product_name varchar(200), product_quantity int, key order_id (order_id)
) engine=InnoDB default charset=utf8;
create table oms_order_operate_history (
  id bigint not null auto_increment primary key, order_id bigint, operate_man varchar(100), order_status int, note varchar(500)
) engine=InnoDB default charset=utf8;
create table shop_wechat_payment (
  order_id bigint not null primary key, transaction_id varchar(32) not null, openid varchar(64) not null
) engine=InnoDB default charset=utf8mb4;

insert into oms_order (id, order_sn, pay_type, status, receiver_phone) values
  (1, 'mz1', 2, 1, '13900001111'), (2, 'mz2', 2, 1, '13900001234'), (3, 'mz3', 1, 1, '13900002222'), (4, 'mz4', 2, 1, '13900002222'), (5, 'mz5', 2, 1, '13900002222');
insert into oms_order_item (order_id, product_name, product_quantity) values (1, '保温杯', 1), (2, '核桃', 2), (2, '红枣', 1), (3, '毛巾', 1), (4, '茶叶', 1), (5, '雨伞', 1);
insert into shop_wechat_payment values
  (1, '4200000000202609020000006001', 'oFAKE-mz-1'), (2, '4200000000202609020000006002', 'oFAKE-mz-2'), (4, '4200000000202609020000006004', 'oFAKE-mz-1');
