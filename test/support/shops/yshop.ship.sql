-- What yshop's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-express @auto
-- => shipped v1 wxfa000000000yshop 1900000002:1690000000000000001: express unified [YTO YT11001 保温杯*1] to oFAKE-ys-1
update yx_store_order set status = 1, delivery_type = 'express', delivery_sn = 'YTO', delivery_name = '圆通速递', delivery_id = 'YT11001' where id = 1;
insert into yx_store_order_status values (1, 'delivery_goods', '已发货');

-- @case 01-received @auto
update yx_store_order set status = 2, remark = '已收货' where id = 1;

-- @case 01-changed-waybill @auto
-- => corrected v2 wxfa000000000yshop 1900000002:1690000000000000001: express unified [YTO YT11001B 保温杯*1] to oFAKE-ys-1 because the waybill changed in the shop
update yx_store_order set delivery_id = 'YT11001B' where id = 1;

-- @case 02-express-sf @auto
-- => shipped v1 wxfa000000000yshop 1900000002:1690000000000000002: express unified [SF SF11002 核桃*2;红枣*1 139****1234] to oFAKE-ys-2
update yx_store_order set status = 1, delivery_type = 'express', delivery_sn = 'SF', delivery_name = '顺丰速运', delivery_id = 'SF11002' where id = 2;

-- @case 03-paid-from-the-balance @auto
update yx_store_order set status = 1, delivery_type = 'express', delivery_sn = 'EMS', delivery_name = 'EMS', delivery_id = 'EM11003' where id = 3;

-- @case 04-pick-up @auto
-- => shipped v1 wxfa000000000yshop 1900000002:1690000000000000004: pick-up unified [鲜奶*2] to oFAKE-ys-2
update yx_store_order set status = 2 where id = 4;

-- @case 05-nobody-knows-the-openid @auto
-- => held no_openid 1900000002:1690000000000000005
update yx_store_order set status = 1, delivery_type = 'send', delivery_name = '骑手甲', delivery_id = '13900009999' where id = 5;

-- @backfill
-- => shipped v1 wxfa000000000yshop 1900000002:1690000000000000001: express unified [YTO YT11001B 保温杯*1] to oFAKE-ys-1
-- => shipped v1 wxfa000000000yshop 1900000002:1690000000000000002: express unified [SF SF11002 核桃*2;红枣*1 139****1234] to oFAKE-ys-2
-- => shipped v1 wxfa000000000yshop 1900000002:1690000000000000004: pick-up unified [鲜奶*2] to oFAKE-ys-2
