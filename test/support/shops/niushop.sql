-- Niushop v4 on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording. Times are unix seconds.

create table `order` (
  order_id int not null auto_increment primary key,
  order_no varchar(20) not null,
  site_id int not null default 1,
  out_trade_no varchar(255) not null default '',
  order_type int not null default 1,
  order_from varchar(55) not null default 'weapp',
  order_status int not null default 1,
  pay_type varchar(55) not null default 'wechatpay',
  member_id int not null,
  mobile varchar(20) not null default '',
  balance_money decimal(10,2) not null default 0,
  delivery_time int not null default 0,
  remark varchar(255) not null default '',
  key out_trade_no (out_trade_no)
) engine=InnoDB default charset=utf8mb4;
create table order_goods (
  order_goods_id int not null auto_increment primary key, order_id int not null, goods_name varchar(255) not null, num int not null,
  delivery_status int not null default 0, delivery_no varchar(50) not null default '', refund_status int not null default 0, key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table express_delivery_package (
  id int not null auto_increment primary key, order_id int not null, order_goods_id_array varchar(1000) not null, goods_id_array varchar(2000) not null default '',
  delivery_type tinyint not null default 1, express_company_id int not null default 0, express_company_name varchar(255) not null default '', delivery_no varchar(255) not null default '',
  key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table pay (
  id int not null auto_increment primary key, out_trade_no varchar(255) not null, trade_no varchar(255) not null default '', pay_status int not null default 0, key out_trade_no (out_trade_no)
) engine=InnoDB default charset=utf8mb4;
create table member (member_id int not null primary key, weapp_openid varchar(255) not null default '') engine=InnoDB default charset=utf8mb4;
create table express_company_template (company_id int not null primary key, company_name varchar(50) not null, express_no_kd100 varchar(20) not null default '') engine=InnoDB default charset=utf8mb4;

insert into express_company_template values (1, '顺丰速运', 'shunfeng'), (2, '中通快递', 'zhongtong'), (3, '圆通速递', 'yuantong');
insert into member values (1, 'oFAKE-ns-1'), (2, 'oFAKE-ns-2');
insert into `order` (order_id, order_no, out_trade_no, order_type, order_from, pay_type, member_id, mobile) values
  (1, 'ns1', 'NS1', 1, 'weapp', 'wechatpay', 1, '13900001111'), (2, 'ns2', 'NS2', 1, 'weapp', 'wechatpay', 2, '13900001234'), (3, 'ns3', 'NS2', 1, 'weapp', 'wechatpay', 2, '13900001234'),
  (4, 'ns4', 'NS4', 1, 'weapp', 'BALANCE', 1, '13900001111'), (5, 'ns5', 'NS5', 4, 'weapp', 'wechatpay', 1, '13900001111'), (6, 'ns6', 'NS6', 1, 'h5', 'wechatpay', 1, '13900001111');
insert into order_goods (order_goods_id, order_id, goods_name, num) values
  (11, 1, '保温杯', 1), (12, 1, '杯刷', 2), (13, 1, '杯垫', 1), (21, 2, '核桃', 1), (22, 2, '红枣', 2), (31, 3, '雨伞', 1), (41, 4, '毛巾', 1), (51, 5, '摄影课', 1), (61, 6, '书', 1);
insert into pay (out_trade_no, trade_no, pay_status) values
  ('NS1', '4200000000202609020000008001', 2), ('NS2', '4200000000202609020000008002', 2), ('NS4', '', 2), ('NS5', '4200000000202609020000008005', 2), ('NS6', '4200000000202609020000008006', 2);
