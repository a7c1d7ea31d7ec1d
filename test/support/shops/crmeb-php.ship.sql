-- What CRMEB's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-express @tx
-- kuaidi100's code; the good's name stands in JSON, in \u escapes.
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002001: express unified [YTO YT2001 保温杯*1] to oFAKE-cp-mini-1
start transaction;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'yuantong', delivery_name = '圆通速递', delivery_id = 'YT2001' where id = 1;
insert into eb_store_order_status values (1, 'delivery_goods', '已发货 快递公司：圆通速递', 1788310001);
commit;

-- @case 01-remark-and-receipt @auto
update eb_store_order set remark = '客户要求周末送' where id = 1;
update eb_store_order set status = 2 where id = 1;
update eb_store_order set is_del = 1 where id = 1;

-- @case 01-changed-waybill @auto
-- Finished, so a person approves it.
-- => corrected v2 wxfa00000crmebphp 4200000000202609020000002001: express unified [ZTO ZT2001 保温杯*1] to oFAKE-cp-mini-1 because the waybill changed in the shop
update eb_store_order set delivery_code = 'zhongtong', delivery_name = '中通快递', delivery_id = 'ZT2001' where id = 1;

-- @case 02-express-two-goods @tx
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002002: express unified [STO ST2002 茶叶*1;茶杯*2] to oFAKE-cp-mini-1
start transaction;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'shentong', delivery_name = '申通快递', delivery_id = 'ST2002' where id = 2;
insert into eb_store_order_status values (2, 'delivery_goods', '已发货', 1788310002);
commit;

-- @case 02-refund-splits-a-shipped-order @tx
-- The refunded good becomes a child, the rest another; both were shipped already. In between it looks like two parcels,
-- then like one that is not all. At the end nothing is new.
start transaction;
insert into eb_store_order (id, pid, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (21, 2, 'cp2-1', '4200000000202609020000002002', 1, '13900001111', 1, 1788300002, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (21, '{"productInfo":{"store_name":"茶叶"}}', 1);
insert into eb_store_order (id, pid, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (22, 2, 'cp2-2', '4200000000202609020000002002', 1, '13900001111', 1, 1788300002, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (22, '{"productInfo":{"store_name":"茶杯"}}', 2);
update eb_store_order set pid = -1 where id = 2;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'shentong', delivery_name = '申通快递', delivery_id = 'ST2002' where id = 21;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'shentong', delivery_name = '申通快递', delivery_id = 'ST2002' where id = 22;
update eb_store_order set refund_status = 2, status = -2 where id = 22;
insert into eb_store_order_status values (22, 'refund_price', '退款给用户', 1788310003);
commit;

-- @case 03-split-first-child @tx
-- One of two goods leaves: SF, with the masked phone.
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002003: express split open [SF SF2003 核桃*1 139****1234] to oFAKE-cp-mini-1
start transaction;
insert into eb_store_order (id, pid, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (31, 3, 'cp3-1', '4200000000202609020000002003', 1, '13900001234', 1, 1788300003, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (31, '{"productInfo":{"store_name":"核桃"}}', 1);
insert into eb_store_order (id, pid, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (32, 3, 'cp3-2', '4200000000202609020000002003', 1, '13900001234', 1, 1788300003, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (32, '{"productInfo":{"store_name":"红枣"}}', 3);
update eb_store_order set pid = -1 where id = 3;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'shunfeng', delivery_name = '顺丰速运', delivery_id = 'SF2003' where id = 31;
insert into eb_store_order_status values (31, 'delivery_split', '已拆分发货', 1788310004);
commit;

-- @case 03-changed-waybill-of-an-open-split @auto
-- Not finished: the next version, and no correction.
-- => shipped v2 wxfa00000crmebphp 4200000000202609020000002003: express split open [SF SF2003B 核桃*1 139****1234] to oFAKE-cp-mini-1
update eb_store_order set delivery_id = 'SF2003B' where id = 31;

-- @case 03-split-last-child @tx
-- => shipped v3 wxfa00000crmebphp 4200000000202609020000002003: express split all [SF SF2003B 核桃*1 139****1234] [YD YD2003 红枣*3] to oFAKE-cp-mini-1
start transaction;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'yunda', delivery_name = '韵达快递', delivery_id = 'YD2003' where id = 32;
insert into eb_store_order_status values (32, 'delivery_goods', '已发货', 1788310005);
commit;

-- @case 04-split-first-child @tx
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002004: express split open [ZTO ZT2004 雨伞*1] to oFAKE-cp-mini-2
start transaction;
insert into eb_store_order (id, pid, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (41, 4, 'cp4-1', '4200000000202609020000002004', 2, '13900002222', 1, 1788300004, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (41, '{"productInfo":{"store_name":"雨伞"}}', 1);
insert into eb_store_order (id, pid, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (42, 4, 'cp4-2', '4200000000202609020000002004', 2, '13900002222', 1, 1788300004, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (42, '{"productInfo":{"store_name":"雨衣"}}', 1);
update eb_store_order set pid = -1 where id = 4;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'zhongtong', delivery_name = '中通快递', delivery_id = 'ZT2004' where id = 41;
commit;

-- @case 04-last-open-child-refunded @tx
-- Nobody ships any more, yet the split must be closed.
-- => shipped v2 wxfa00000crmebphp 4200000000202609020000002004: express split all [ZTO ZT2004 雨伞*1] to oFAKE-cp-mini-2
start transaction;
update eb_store_order set refund_status = 2, status = -2 where id = 42;
insert into eb_store_order_status values (42, 'refund_price', '退款给用户', 1788310006);
commit;

-- @case 05-paid-from-the-balance @tx
start transaction;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'ems', delivery_name = 'EMS', delivery_id = 'EM2005' where id = 5;
commit;

-- @case 06-rider @auto
-- delivery_id is the rider's phone: no waybill.
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002006: same-city unified [鲜花*1] to oFAKE-cp-mini-2
update eb_store_order set status = 1, delivery_type = 'send', delivery_name = '骑手甲', delivery_id = '13900009999' where id = 6;

-- @case 07-pick-up @auto
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002007: pick-up unified [鲜奶*2] to oFAKE-cp-mini-2
update eb_store_order set status = 2 where id = 7;

-- @case 08-virtual-paid-by-a-friend @auto
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002008: virtual unified [摄影课*1] to oFAKE-cp-mini-2
update eb_store_order set status = 1, delivery_type = 'fictitious' where id = 8;

-- @case 09-official-account @auto
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'yunda', delivery_name = '韵达快递', delivery_id = 'YD2009' where id = 9;

-- @case 10-refund-splits-an-unshipped-order @tx
start transaction;
insert into eb_store_order (id, pid, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (101, 10, 'cp10-1', '4200000000202609020000002010', 2, '13900002222', 1, 1788300010, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (101, '{"productInfo":{"store_name":"陶碗"}}', 1);
insert into eb_store_order (id, pid, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (102, 10, 'cp10-2', '4200000000202609020000002010', 2, '13900002222', 1, 1788300010, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (102, '{"productInfo":{"store_name":"竹筷"}}', 1);
update eb_store_order set pid = -1 where id = 10;
update eb_store_order set refund_status = 2, status = -2 where id = 102;
commit;

-- @case 10-rest-shipped @tx
-- All that is left is one parcel: unified.
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002010: express unified [HTKY BS2010 陶碗*1] to oFAKE-cp-mini-2
start transaction;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'huitongkuaidi', delivery_name = '百世快递', delivery_id = 'BS2010' where id = 101;
commit;

-- @case 11-unknown-carrier @tx
-- => held unknown_carrier 4200000000202609020000002011
start transaction;
insert into eb_store_order (id, order_id, trade_no, uid, user_phone, paid, pay_time, pay_type, is_channel, shipping_type)
  values (11, 'cp11', '4200000000202609020000002011', 2, '13900002222', 1, 1788300011, 'weixin', 1, 1);
insert into eb_store_order_cart_info (oid, cart_info, cart_num) values (11, '{"productInfo":{"store_name":"书"}}', 1);
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'tongchengsu', delivery_name = '同城速', delivery_id = 'TC2011' where id = 11;
commit;

-- @backfill
-- A part that was refunded unshipped keeps the rest of its payment from nothing.
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002002: express unified [STO ST2002 茶叶*1;茶杯*2] to oFAKE-cp-mini-1
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002004: express unified [ZTO ZT2004 雨伞*1] to oFAKE-cp-mini-2
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002010: express unified [HTKY BS2010 陶碗*1] to oFAKE-cp-mini-2
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002001: express unified [ZTO ZT2001 保温杯*1] to oFAKE-cp-mini-1
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002003: express split all [SF SF2003B 核桃*1 139****1234] [YD YD2003 红枣*3] to oFAKE-cp-mini-1
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002006: same-city unified [鲜花*1] to oFAKE-cp-mini-2
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002007: pick-up unified [鲜奶*2] to oFAKE-cp-mini-2
-- => shipped v1 wxfa00000crmebphp 4200000000202609020000002008: virtual unified [摄影课*1] to oFAKE-cp-mini-2
