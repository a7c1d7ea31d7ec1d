-- What mall4j's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-first-order-of-a-payment @tx
-- => shipped v1 wxfa000000000mall4j 4200000000202609020000003001: express split open [ZTO ZT3001 保温杯*1;杯刷*2] to oFAKE-m4-mini-1
start transaction;
update tz_order set status = 3, dvy_id = 2, dvy_flow_id = 'ZT3001', dvy_time = '2026-09-02 10:00:00', update_time = '2026-09-02 10:00:00' where order_id = 1790000000000000001;
commit;

-- @case 01-touched-without-a-change @tx
start transaction;
update tz_order set status = 3, dvy_id = 2, dvy_flow_id = 'ZT3001', update_time = '2026-09-02 10:01:00' where order_id = 1790000000000000001;
update tz_order set remarks = '放门口' where order_id = 1790000000000000002;
update tz_order set is_payed = 0 where order_id = 1790000000000000002;
update tz_order set is_payed = 1 where order_id = 1790000000000000002;
commit;

-- @case 02-second-order-of-the-payment @tx
-- => shipped v2 wxfa000000000mall4j 4200000000202609020000003001: express split all [ZTO ZT3001 保温杯*1;杯刷*2] [SF SF3002 核桃*1 139****1234] to oFAKE-m4-mini-1
start transaction;
update tz_order set status = 3, dvy_id = 1, dvy_flow_id = 'SF3002', dvy_time = '2026-09-02 11:00:00' where order_id = 1790000000000000002;
commit;

-- @case 03-no-transaction-id-yet @tx
-- Named by the merchant's numbers; of the carrier only the name is known.
-- => shipped v1 wxfa000000000mall4j 1900000001:PAY3: express unified [YTO YT3003 雨伞*1] to oFAKE-m4-mini-2
start transaction;
update tz_order set status = 3, dvy_id = 3, dvy_flow_id = 'YT3003', dvy_time = '2026-09-02 12:00:00' where order_id = 1790000000000000003;
commit;

-- @case 03-transaction-id-comes-later @auto
update tz_order_settlement set biz_pay_no = '4200000000202609020000003003' where pay_no = 'PAY3';

-- @case 03-shipped-again @tx
-- From 3 to 3: the waybill alone. The payment keeps the name under which it was said.
-- => corrected v2 wxfa000000000mall4j 1900000001:PAY3: express unified [YD YD3003 雨伞*1] to oFAKE-m4-mini-2 because the waybill changed in the shop
start transaction;
update tz_order set status = 3, dvy_id = 4, dvy_flow_id = 'YD3003', dvy_time = '2026-09-02 13:00:00' where order_id = 1790000000000000003;
commit;

-- @case 04-unpaid-and-shipped @tx
start transaction;
update tz_order set status = 3, dvy_id = 2, dvy_flow_id = 'ZT3004' where order_id = 1790000000000000004;
commit;

-- @case 05-one-of-two @tx
-- => shipped v1 wxfa000000000mall4j 1900000001:PAY5: express split open [ZTO ZT3005 茶叶*1] to oFAKE-m4-mini-2
start transaction;
update tz_order set status = 3, dvy_id = 2, dvy_flow_id = 'ZT3005' where order_id = 1790000000000000005;
commit;

-- @case 06-the-other-is-closed @tx
-- Refunded before it was shipped: nobody ships any more, and the split is closed.
-- => shipped v2 wxfa000000000mall4j 1900000001:PAY5: express split all [ZTO ZT3005 茶叶*1] to oFAKE-m4-mini-2
start transaction;
update tz_order set status = 6 where order_id = 1790000000000000006;
commit;

-- @case 07-alipay @tx
start transaction;
update tz_order set status = 3, dvy_id = 2, dvy_flow_id = 'ZT3007' where order_id = 1790000000000000007;
commit;

-- @case 08-both-in-one-parcel @tx
-- => shipped v1 wxfa000000000mall4j 4200000000202609020000003008: express unified [ZTO ZT3008 书*1;笔*3] to oFAKE-m4-mini-1
start transaction;
update tz_order set status = 3, dvy_id = 2, dvy_flow_id = 'ZT3008' where order_id = 1790000000000000008;
update tz_order set status = 3, dvy_id = 2, dvy_flow_id = 'ZT3008' where order_id = 1790000000000000009;
commit;

-- @case 08-received-deleted-closed @auto
-- What is shipped stays shipped.
update tz_order set status = 5 where order_id = 1790000000000000008;
update tz_order set delete_status = 1 where order_id = 1790000000000000008;
update tz_order set status = 6 where order_id = 1790000000000000009;

-- @backfill
-- => shipped v1 wxfa000000000mall4j 4200000000202609020000003001: express split all [ZTO ZT3001 保温杯*1;杯刷*2] [SF SF3002 核桃*1 139****1234] to oFAKE-m4-mini-1
-- => shipped v1 wxfa000000000mall4j 4200000000202609020000003003: express unified [YD YD3003 雨伞*1] to oFAKE-m4-mini-2
-- => shipped v1 wxfa000000000mall4j 1900000001:PAY5: express unified [ZTO ZT3005 茶叶*1] to oFAKE-m4-mini-2
-- => shipped v1 wxfa000000000mall4j 4200000000202609020000003008: express unified [ZTO ZT3008 书*1;笔*3] to oFAKE-m4-mini-1
