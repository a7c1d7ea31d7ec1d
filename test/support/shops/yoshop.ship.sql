-- What yoshop's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-ship @auto
-- => shipped v1 wxfa0000yoshop0001 420000000020260902000001001: express unified [YTO YT10001 保温杯*1] to oFAKE-yo-1
update yoshop_order set express_company = '圆通快递', express_no = 'YT10001', delivery_status = 20, delivery_time = 1788700001, update_time = 1788700001 where order_id = 1;

-- @case 01-received @auto
update yoshop_order set receipt_status = 20, order_status = 30, update_time = 1788800000 where order_id = 1;

-- @case 02-another-tenant @auto
-- => shipped v1 wxfa0000yoshop0002 420000000020260902000001002: express unified [SF SF10002 核桃*1;红枣*2 139****1234] to oFAKE-yo-2
update yoshop_order set express_company = '顺丰快递公司', express_no = 'SF10002', delivery_status = 20, delivery_time = 1788700002 where order_id = 2;

-- @case 03-not-paid-by-wechat @auto
update yoshop_order set express_company = '圆通', express_no = 'YT10003', delivery_status = 20, delivery_time = 1788700003 where order_id = 3;

-- @case 04-cancelled @auto
update yoshop_order set order_status = 20 where order_id = 4;

-- @case 05-a-name-that-nobody-knows @auto
-- => held unknown_carrier 420000000020260902000001005
update yoshop_order set express_company = '楼下小王', express_no = 'X10005', delivery_status = 20, delivery_time = 1788700005 where order_id = 5;

-- @case 05-mended @auto
-- => shipped v1 wxfa0000yoshop0001 420000000020260902000001005: express unified [ZTO X10005 雨伞*1] to oFAKE-yo-1
update yoshop_order set express_company = '中通' where order_id = 5;

-- @backfill
-- => shipped v1 wxfa0000yoshop0001 420000000020260902000001001: express unified [YTO YT10001 保温杯*1] to oFAKE-yo-1
-- => shipped v1 wxfa0000yoshop0002 420000000020260902000001002: express unified [SF SF10002 核桃*1;红枣*2 139****1234] to oFAKE-yo-2
-- => shipped v1 wxfa0000yoshop0001 420000000020260902000001005: express unified [ZTO X10005 雨伞*1] to oFAKE-yo-1
