-- yshop mall on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording.

create table yx_store_order (
  id bigint unsigned not null auto_increment primary key,
  order_id varchar(32) not null,
  uid bigint unsigned not null,
  user_phone varchar(18) not null default '',
  paid tinyint unsigned not null default 1,
  pay_time datetime,
  pay_type varchar(32) not null default 'weixin',
  is_channel tinyint unsigned not null default 1,
  status int not null default 0,
  refund_status tinyint unsigned not null default 0,
  shipping_type tinyint not null default 1,
  delivery_type varchar(32),
  delivery_sn varchar(100),
  delivery_name varchar(64),
  delivery_id varchar(64),
  remark varchar(255),
  unique key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table yx_store_order_cart_info (id bigint unsigned not null auto_increment primary key, oid bigint unsigned not null, cart_info text not null, key oid (oid)) engine=InnoDB default charset=utf8mb4;
create table yx_user (uid bigint unsigned not null primary key, wx_profile json) engine=InnoDB default charset=utf8mb4;
create table yx_store_order_status (oid bigint unsigned not null, change_type varchar(32), change_message varchar(256)) engine=InnoDB default charset=utf8mb4;

insert into yx_user values (1, '{"routineOpenid":"oFAKE-ys-1","unionId":"uFAKE-ys-1"}'), (2, '{"routineOpenid":"oFAKE-ys-2"}'), (3, null);
insert into yx_store_order (id, order_id, uid, user_phone, pay_type, shipping_type) values
  (1, '1690000000000000001', 1, '13900001111', 'weixin', 1), (2, '1690000000000000002', 2, '13900001234', 'weixin', 1),
  (3, '1690000000000000003', 2, '13900002222', 'yue', 1), (4, '1690000000000000004', 2, '13900002222', 'weixin', 2), (5, '1690000000000000005', 3, '13900002222', 'weixin', 1);
insert into yx_store_order_cart_info (oid, cart_info) values
  (1, '{"cartNum":1,"productInfo":{"storeName":"保温杯"}}'), (2, '{"cartNum":2,"productInfo":{"storeName":"核桃"}}'), (2, '{"cartNum":1,"productInfo":{"storeName":"红枣"}}'),
  (3, '{"cartNum":1,"productInfo":{"storeName":"毛巾"}}'), (4, '{"cartNum":2,"productInfo":{"storeName":"鲜奶"}}'), (5, '{"cartNum":1,"productInfo":{"storeName":"书"}}');
