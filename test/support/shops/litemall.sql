-- litemall on MySQL/MariaDB: the tables and columns that a shipping event needs, own wording.

create table litemall_order (
  id int not null auto_increment primary key,
  user_id int not null,
  order_sn varchar(63) not null,
  order_status smallint not null default 101,
  mobile varchar(63) not null default '',
  pay_id varchar(63),
  pay_time datetime,
  ship_sn varchar(63),
  ship_channel varchar(63),
  ship_time datetime,
  confirm_time datetime,
  update_time datetime,
  deleted tinyint(1) default 0
) engine=InnoDB default charset=utf8mb4;
create table litemall_order_goods (
  id int not null auto_increment primary key, order_id int not null, goods_name varchar(127) not null, number smallint not null, key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table litemall_user (id int not null auto_increment primary key, weixin_openid varchar(63) not null default '') engine=InnoDB default charset=utf8mb4;

insert into litemall_user values (1, 'oFAKE-lm-1'), (2, 'oFAKE-lm-2');
insert into litemall_order (id, user_id, order_sn, order_status, mobile, pay_id, update_time) values
  (1, 1, 'lm1', 201, '13900001111', '4200000000202609020000005001', '2026-09-02 09:00:00'),
  (2, 2, 'lm2', 201, '13900001234', '4200000000202609020000005002', '2026-09-02 09:00:00'),
  (3, 2, 'lm3', 201, '13900002222', null, '2026-09-02 09:00:00'), (4, 2, 'lm4', 202, '13900002222', '4200000000202609020000005004', '2026-09-02 09:00:00'),
  (5, 1, 'lm5', 201, '13900001111', '4200000000202609020000005005', '2026-09-02 09:00:00');
insert into litemall_order_goods (order_id, goods_name, number) values (1, '保温杯', 1), (1, '杯刷', 2), (2, '核桃', 1), (3, '毛巾', 1), (4, '茶叶', 1), (5, '雨伞', 1);
