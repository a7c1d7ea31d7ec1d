-- What CRMEB's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-express @tx
-- => shipped v1 wxfa00000crmebjava 4200000000202609020000007001: express unified [ZTO ZT7001 保温杯*1] to oFAKE-cj-payer-1
start transaction;
update eb_store_order set order_id = 'cj1', uid = 1, paid = 1, status = 1, delivery_type = 'express', delivery_code = 'zhongtong', delivery_name = '中通快递', delivery_id = 'ZT7001', update_time = now() where id = 1;
insert into eb_store_order_status values (1, 'express', '已发货');
commit;

-- @case 01-every-column-written-again @auto
update eb_store_order set order_id = 'cj1', uid = 1, paid = 1, status = 1, delivery_type = 'express', delivery_code = 'zhongtong', delivery_name = '中通快递', delivery_id = 'ZT7001', mark = '客户来电', update_time = now() where id = 1;

-- @case 01-changed-waybill @auto
-- => corrected v2 wxfa00000crmebjava 4200000000202609020000007001: express unified [YZPY YZ7001 保温杯*1] to oFAKE-cj-payer-1 because the waybill changed in the shop
update eb_store_order set delivery_code = 'youzhengguonei', delivery_name = '邮政快递包裹', delivery_id = 'YZ7001' where id = 1;

-- @case 02-express-sf @tx
-- The payment has no openid: that of the user's mini-program stands in.
-- => shipped v1 wxfa00000crmebjava 4200000000202609020000007002: express unified [SF SF7002 核桃*1;红枣*2 139****1234] to oFAKE-cj-mini-2
start transaction;
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'shunfeng', delivery_name = '顺丰速运', delivery_id = 'SF7002' where id = 2;
commit;

-- @case 03-paid-from-the-balance @auto
update eb_store_order set status = 1, delivery_type = 'express', delivery_code = 'ems', delivery_name = 'EMS', delivery_id = 'EM7003' where id = 3;

-- @case 04-pick-up @auto
-- => shipped v1 wxfa00000crmebjava 4200000000202609020000007004: pick-up unified [鲜奶*2] to oFAKE-cj-mini-2
update eb_store_order set status = 2 where id = 4;

-- @case 05-refunded-before-shipping @auto
update eb_store_order set refund_status = 1 where id = 5;
update eb_store_order set refund_status = 2 where id = 5;

-- @backfill
-- => shipped v1 wxfa00000crmebjava 4200000000202609020000007001: express unified [YZPY YZ7001 保温杯*1] to oFAKE-cj-payer-1
-- => shipped v1 wxfa00000crmebjava 4200000000202609020000007002: express unified [SF SF7002 核桃*1;红枣*2 139****1234] to oFAKE-cj-mini-2
-- => shipped v1 wxfa00000crmebjava 4200000000202609020000007004: pick-up unified [鲜奶*2] to oFAKE-cj-mini-2
