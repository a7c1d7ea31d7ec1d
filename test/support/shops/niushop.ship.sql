-- What Niushop's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-first-good @tx
-- => shipped v1 wxfa0000000niushop 4200000000202609020000008001: express split open [ZTO ZT8001 保温杯*1] to oFAKE-ns-1
start transaction;
update order_goods set delivery_status = 1, delivery_no = 'ZT8001' where order_goods_id = 11;
insert into express_delivery_package (order_id, order_goods_id_array, goods_id_array, express_company_id, express_company_name, delivery_no) values (1, '11', '5:1:保温杯:a.png', 2, '中通快递', 'ZT8001');
commit;

-- @case 01-second-good-in-the-same-parcel @tx
-- The row is extended. The parcel was said, so there is nothing new.
start transaction;
update order_goods set delivery_status = 1, delivery_no = 'ZT8001' where order_goods_id = 12;
update express_delivery_package set order_goods_id_array = '11,12', goods_id_array = '5:1:保温杯:a.png,6:2:杯刷:b.png' where order_id = 1 and delivery_no = 'ZT8001';
commit;

-- @case 01-last-good-in-a-second-parcel @tx
-- => shipped v2 wxfa0000000niushop 4200000000202609020000008001: express split all [ZTO ZT8001 保温杯*1] [YTO YT8001 杯垫*1] to oFAKE-ns-1
start transaction;
update order_goods set delivery_status = 1, delivery_no = 'YT8001' where order_goods_id = 13;
insert into express_delivery_package (order_id, order_goods_id_array, express_company_id, express_company_name, delivery_no) values (1, '13', 3, '圆通速递', 'YT8001');
update `order` set order_status = 3, delivery_time = 1788600001 where order_id = 1;
commit;

-- @case 01-changed-waybill-of-a-parcel @auto
-- => corrected v3 wxfa0000000niushop 4200000000202609020000008001: express split all [ZTO ZT8001 保温杯*1] [YTO YT8001B 杯垫*1] to oFAKE-ns-1 because the waybill changed in the shop
update express_delivery_package set delivery_no = 'YT8001B' where order_id = 1 and delivery_no = 'YT8001';

-- @case 02-first-order-of-a-payment @tx
-- Both goods in one parcel; order 3 shares the payment.
-- => shipped v1 wxfa0000000niushop 4200000000202609020000008002: express split open [SF SF8002 核桃*1;红枣*2 139****1234] to oFAKE-ns-2
start transaction;
update order_goods set delivery_status = 1, delivery_no = 'SF8002' where order_goods_id = 21;
update order_goods set delivery_status = 1, delivery_no = 'SF8002' where order_goods_id = 22;
insert into express_delivery_package (order_id, order_goods_id_array, express_company_id, express_company_name, delivery_no) values (2, '21,22', 1, '顺丰速运', 'SF8002');
update `order` set order_status = 3, delivery_time = 1788600002 where order_id = 2;
commit;

-- @case 03-the-other-order-is-refunded @tx
-- => shipped v2 wxfa0000000niushop 4200000000202609020000008002: express split all [SF SF8002 核桃*1;红枣*2 139****1234] to oFAKE-ns-2
start transaction;
update order_goods set refund_status = 3 where order_goods_id = 31;
update `order` set order_status = -1 where order_id = 3;
commit;

-- @case 04-paid-from-the-balance @tx
start transaction;
update order_goods set delivery_status = 1 where order_goods_id = 41;
insert into express_delivery_package (order_id, order_goods_id_array, express_company_id, express_company_name, delivery_no) values (4, '41', 1, '顺丰速运', 'SF8004');
update `order` set order_status = 3 where order_id = 4;
commit;

-- @case 05-virtual-is-received-at-payment @auto
-- => shipped v1 wxfa0000000niushop 4200000000202609020000008005: virtual unified [摄影课*1] to oFAKE-ns-1
update `order` set order_status = 10 where order_id = 5;

-- @case 06-ordered-outside-the-mini-program @tx
start transaction;
update order_goods set delivery_status = 1 where order_goods_id = 61;
insert into express_delivery_package (order_id, order_goods_id_array, express_company_id, express_company_name, delivery_no) values (6, '61', 1, '顺丰速运', 'SF8006');
update `order` set order_status = 3 where order_id = 6;
commit;

-- @case 01-received-with-a-remark @auto
update `order` set order_status = 10, remark = '已收货' where order_id = 1;

-- @backfill
-- => shipped v1 wxfa0000000niushop 4200000000202609020000008001: express split all [ZTO ZT8001 保温杯*1;杯刷*2] [YTO YT8001B 杯垫*1] to oFAKE-ns-1
-- => shipped v1 wxfa0000000niushop 4200000000202609020000008002: express unified [SF SF8002 核桃*1;红枣*2 139****1234] to oFAKE-ns-2
-- => shipped v1 wxfa0000000niushop 4200000000202609020000008005: virtual unified [摄影课*1] to oFAKE-ns-1
