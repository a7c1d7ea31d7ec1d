-- lilishop on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording.

create table li_order (
  id bigint not null primary key,
  sn varchar(64) not null,
  trade_sn varchar(64) not null,
  member_id bigint not null,
  order_status varchar(32) not null default 'UNDELIVERED',
  deliver_status varchar(32) not null default 'UNDELIVERED',
  pay_status varchar(32) not null default 'PAID',
  payment_method varchar(32) default 'WECHAT',
  client_type varchar(32) not null default 'WECHAT_MP',
  delivery_method varchar(32) not null default 'LOGISTICS',
  pay_order_no varchar(64),
  receivable_no varchar(64),
  consignee_mobile varchar(32),
  logistics_code varchar(64),
  logistics_name varchar(64),
  logistics_no varchar(64),
  logistics_time datetime,
  update_time datetime,
  unique key sn (sn),
  key trade_sn (trade_sn)
) engine=InnoDB default charset=utf8mb4;
create table li_order_item (
  id bigint not null primary key, order_sn varchar(64) not null, goods_name varchar(255) not null, num int not null, deliver_number int not null default 0, key order_sn (order_sn)
) engine=InnoDB default charset=utf8mb4;
create table li_order_package (
  id bigint not null primary key, package_no varchar(64) not null, order_sn varchar(64) not null, logistics_code varchar(64), logistics_name varchar(64), logistics_no varchar(64), key order_sn (order_sn)
) engine=InnoDB default charset=utf8mb4;
create table li_order_package_item (
  id bigint not null primary key, package_no varchar(64) not null, order_sn varchar(64) not null, goods_name varchar(255) not null, deliver_number int not null, key package_no (package_no)
) engine=InnoDB default charset=utf8mb4;
create table li_logistics (id varchar(64) not null primary key, name varchar(64) not null, code varchar(64) not null) engine=InnoDB default charset=utf8mb4;
create table li_connect (id bigint not null primary key, user_id bigint not null, union_id varchar(64) not null, union_type varchar(32) not null, key user_id (user_id)) engine=InnoDB default charset=utf8mb4;

insert into li_logistics values ('1490000000000000001', '顺丰速运', 'SF'), ('1490000000000000002', '中通快递', 'ZTO'), ('1490000000000000003', '圆通速递', 'YTO');
insert into li_connect values
  (1, 1500000000000000001, 'uFAKE-li-1', 'WECHAT'), (2, 1500000000000000001, 'oFAKE-li-1', 'WECHAT_MP_OPEN_ID'), (3, 1500000000000000002, 'oFAKE-li-2', 'WECHAT_MP_OPEN_ID');
insert into li_order (id, sn, trade_sn, member_id, receivable_no, consignee_mobile) values
  (1790000000000000001, 'O1', 'T1', 1500000000000000001, '4200000000202609020000009001', '13900001111'),
  (1790000000000000002, 'O2', 'T2', 1500000000000000001, '4200000000202609020000009002', '13900001234'),
  (1790000000000000003, 'O3', 'T3', 1500000000000000002, '4200000000202609020000009003', '13900002222'),
  (1790000000000000004, 'O4', 'T3', 1500000000000000002, '4200000000202609020000009003', '13900002222'),
  (1790000000000000006, 'O6', 'T6', 1500000000000000002, '4200000000202609020000009006', '13900002222');
insert into li_order (id, sn, trade_sn, member_id, receivable_no, payment_method) values (1790000000000000005, 'O5', 'T5', 1500000000000000001, null, 'WALLET');
update li_order set delivery_method = 'SELF_PICK_UP', order_status = 'STAY_PICKED_UP' where sn = 'O6';
insert into li_order_item (id, order_sn, goods_name, num) values
  (1, 'O1', '保温杯', 1), (2, 'O2', '核桃', 3), (3, 'O2', '红枣', 1), (4, 'O3', '雨伞', 1), (5, 'O4', '雨衣', 1), (6, 'O5', '毛巾', 1), (7, 'O6', '鲜奶', 2);
