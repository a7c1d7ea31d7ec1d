-- What nideshop's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-parcel-row-only @auto
-- The parcel is committed before the order: not shipped yet.
insert into nideshop_order_express (order_id, shipper_id, shipper_name, shipper_code, logistic_code) values (1, 5, '圆通速递', 'YTO', 'YT12001');

-- @case 01-ship @auto
-- => shipped v1 wxfa000000nideshop 1900000003:nd1: express unified [YTO YT12001 保温杯*1] to oFAKE-nd-1
update nideshop_order set order_status = 300, shipping_status = 1 where id = 1;

-- @case 01-the-row-is-refreshed @auto
update nideshop_order_express set update_time = 1788900000 where order_id = 1;
update nideshop_order set postscript = '谢谢' where id = 1;

-- @case 01-second-parcel-after-the-end @auto
-- => corrected v2 wxfa000000nideshop 1900000003:nd1: express split all [YTO YT12001 保温杯*1] [SF SF12001 保温杯*1 139****1111] to oFAKE-nd-1 because parcels were added in the shop after the shipment was complete
insert into nideshop_order_express (order_id, shipper_id, shipper_name, shipper_code, logistic_code) values (1, 1, '顺丰速运', 'SF', 'SF12001');

-- @case 02-two-parcels-at-once @tx
-- => shipped v1 wxfa000000nideshop 1900000003:nd2: express split all [OTHER QF12002 核桃*1;红枣*2] [SF SF12002 核桃*1;红枣*2 139****1234] to oFAKE-nd-2
start transaction;
insert into nideshop_order_express (order_id, shipper_name, shipper_code, logistic_code) values (2, '顺丰速运', 'SF', 'SF12002'), (2, '全峰快递', 'QFKD', 'QF12002');
update nideshop_order set order_status = 300, shipping_status = 1 where id = 2;
commit;

-- @case 03-unpaid @tx
start transaction;
insert into nideshop_order_express (order_id, shipper_name, shipper_code, logistic_code) values (3, '顺丰速运', 'SF', 'SF12003');
update nideshop_order set shipping_status = 1 where id = 3;
commit;

-- @case 04-cancelled @auto
update nideshop_order set order_status = 101 where id = 4;

-- @backfill
-- => shipped v1 wxfa000000nideshop 1900000003:nd1: express split all [SF SF12001 保温杯*1 139****1111] [YTO YT12001 保温杯*1] to oFAKE-nd-1
-- => shipped v1 wxfa000000nideshop 1900000003:nd2: express split all [OTHER QF12002 核桃*1;红枣*2] [SF SF12002 核桃*1;红枣*2 139****1234] to oFAKE-nd-2
