-- mall4j on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording. Numbers are snowflakes.

create table tz_order (
  order_id bigint unsigned not null primary key,
  order_number varchar(50) not null,
  user_id varchar(36) not null,
  status int not null default 1,
  is_payed tinyint(1) not null default 0,
  dvy_type int not null default 1,
  dvy_id bigint,
  dvy_flow_id varchar(100),
  dvy_time datetime,
  addr_order_id bigint,
  remarks varchar(255),
  update_time datetime,
  delete_status int not null default 0,
  unique key order_number (order_number)
) engine=InnoDB default charset=utf8mb4;

create table tz_order_settlement (
  settlement_id bigint unsigned not null auto_increment primary key,
  order_number varchar(50) not null,
  pay_no varchar(36),
  biz_pay_no varchar(255),
  pay_type int,
  pay_status int not null default 0,
  key order_number (order_number),
  key pay_no (pay_no)
) engine=InnoDB default charset=utf8mb4;

create table tz_order_item (
  order_item_id bigint not null auto_increment primary key, order_number varchar(50) not null,
  prod_name varchar(120) not null, prod_count int not null, key order_number (order_number)
) engine=InnoDB default charset=utf8mb4;
create table tz_delivery (dvy_id bigint not null primary key, dvy_name varchar(50) not null, query_url varchar(500)) engine=InnoDB default charset=utf8mb4;
create table tz_user_addr_order (addr_order_id bigint not null primary key, mobile varchar(20)) engine=InnoDB default charset=utf8mb4;
create table tz_app_connect (
  id bigint not null auto_increment primary key, user_id varchar(36) not null, app_id int not null, biz_user_id varchar(255), key user_id (user_id)
) engine=InnoDB default charset=utf8mb4;

insert into tz_delivery values
  (1, '顺丰快递公司', 'https://carrier.example/query?type=shunfeng&postid={dvyFlowId}'),
  (2, '中通快递', 'https://carrier.example/query?type=zhongtong&postid={dvyFlowId}'),
  (3, '圆通快递', 'https://carrier.example/'), (4, '韵达快递', null);
insert into tz_user_addr_order values (1, '13900001111'), (2, '13900001234');
insert into tz_app_connect (user_id, app_id, biz_user_id) values ('u1', 2, 'oFAKE-m4-official-1'), ('u1', 1, 'oFAKE-m4-mini-1'), ('u2', 1, 'oFAKE-m4-mini-2');

insert into tz_order (order_id, order_number, user_id, status, is_payed, dvy_type, addr_order_id) values
  (1790000000000000001, '1790000000000000101', 'u1', 2, 1, 1, 1), (1790000000000000002, '1790000000000000102', 'u1', 2, 1, 1, 2),
  (1790000000000000003, '1790000000000000103', 'u2', 2, 1, 1, 1), (1790000000000000004, '1790000000000000104', 'u2', 1, 0, 1, 1),
  (1790000000000000005, '1790000000000000105', 'u2', 2, 1, 1, 1), (1790000000000000006, '1790000000000000106', 'u2', 2, 1, 1, 1),
  (1790000000000000007, '1790000000000000107', 'u2', 2, 1, 1, 1), (1790000000000000008, '1790000000000000108', 'u1', 2, 1, 1, 1),
  (1790000000000000009, '1790000000000000109', 'u1', 2, 1, 1, 1);
insert into tz_order_item (order_number, prod_name, prod_count) values
  ('1790000000000000101', '保温杯', 1), ('1790000000000000101', '杯刷', 2), ('1790000000000000102', '核桃', 1),
  ('1790000000000000103', '雨伞', 1), ('1790000000000000104', '毛巾', 1), ('1790000000000000105', '茶叶', 1),
  ('1790000000000000106', '茶杯', 2), ('1790000000000000107', '鲜奶', 1), ('1790000000000000108', '书', 1), ('1790000000000000109', '笔', 3);
-- 1 and 2 were paid together, at the second attempt; so were 5 and 6, and 8 and 9. pay_type 1 is WeChat.
insert into tz_order_settlement (order_number, pay_no, biz_pay_no, pay_type, pay_status) values
  ('1790000000000000101', 'PAY0', null, 1, 0), ('1790000000000000102', 'PAY0', null, 1, 0),
  ('1790000000000000101', 'PAY1', '4200000000202609020000003001', 1, 1), ('1790000000000000102', 'PAY1', '4200000000202609020000003001', 1, 1),
  ('1790000000000000103', 'PAY3', '', 1, 1), ('1790000000000000104', 'PAY4', null, 1, 0),
  ('1790000000000000105', 'PAY5', null, 1, 1), ('1790000000000000106', 'PAY5', null, 1, 1),
  ('1790000000000000107', 'PAY7', null, 2, 1),
  ('1790000000000000108', 'PAY8', '4200000000202609020000003008', 1, 1), ('1790000000000000109', 'PAY8', '4200000000202609020000003008', 1, 1);
