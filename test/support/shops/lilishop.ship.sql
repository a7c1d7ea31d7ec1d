-- What lilishop's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-whole @tx
-- => shipped v1 wxfa000000lilishop 4200000000202609020000009001: express unified [ZTO ZT9001 保温杯*1] to oFAKE-li-1
start transaction;
update li_order set logistics_code = '1490000000000000002', logistics_name = '中通快递', logistics_no = 'ZT9001', logistics_time = '2026-09-02 10:00:00' where sn = 'O1';
update li_order set deliver_status = 'DELIVERED', order_status = 'DELIVERED' where sn = 'O1';
update li_order_item set deliver_number = 1 where order_sn = 'O1';
commit;

-- @case 02-first-part @tx
-- => shipped v1 wxfa000000lilishop 4200000000202609020000009002: express split open [SF SF9002 核桃*2 139****1234] to oFAKE-li-1
start transaction;
insert into li_order_package values (1, 'P1', 'O2', '1490000000000000001', '顺丰速运', 'SF9002');
insert into li_order_package_item values (1, 'P1', 'O2', '核桃', 2);
update li_order_item set deliver_number = 2 where id = 2;
update li_order set order_status = 'PARTS_DELIVERED', deliver_status = 'PARTS_DELIVERED' where sn = 'O2';
commit;

-- @case 02-last-part @tx
-- The order itself gets the same waybill: one parcel, told once.
-- => shipped v2 wxfa000000lilishop 4200000000202609020000009002: express split all [SF SF9002 核桃*2 139****1234] [YTO YT9002 核桃*1;红枣*1] to oFAKE-li-1
start transaction;
insert into li_order_package values (2, 'P2', 'O2', '1490000000000000003', '圆通速递', 'YT9002');
insert into li_order_package_item values (2, 'P2', 'O2', '核桃', 1), (3, 'P2', 'O2', '红枣', 1);
update li_order_item set deliver_number = num where order_sn = 'O2';
update li_order set order_status = 'DELIVERED', deliver_status = 'DELIVERED', logistics_code = '1490000000000000003', logistics_name = '圆通速递', logistics_no = 'YT9002', logistics_time = '2026-09-02 12:00:00' where sn = 'O2';
commit;

-- @case 02-completed @auto
update li_order set order_status = 'COMPLETED', update_time = now() where sn = 'O2';

-- @case 03-first-seller-of-a-trade @tx
-- => shipped v1 wxfa000000lilishop 4200000000202609020000009003: express split open [ZTO ZT9003 雨伞*1] to oFAKE-li-2
start transaction;
update li_order set logistics_code = '1490000000000000002', logistics_name = '中通快递', logistics_no = 'ZT9003', deliver_status = 'DELIVERED', order_status = 'DELIVERED' where sn = 'O3';
commit;

-- @case 04-the-other-seller-cancels @tx
-- => shipped v2 wxfa000000lilishop 4200000000202609020000009003: express split all [ZTO ZT9003 雨伞*1] to oFAKE-li-2
start transaction;
update li_order set order_status = 'CANCELLED' where sn = 'O4';
commit;

-- @case 05-paid-from-the-wallet @tx
start transaction;
update li_order set logistics_code = '1490000000000000002', logistics_name = '中通快递', logistics_no = 'ZT9005', deliver_status = 'DELIVERED', order_status = 'DELIVERED' where sn = 'O5';
commit;

-- @case 06-pick-up @auto
-- => shipped v1 wxfa000000lilishop 4200000000202609020000009006: pick-up unified [鲜奶*2] to oFAKE-li-2
update li_order set order_status = 'COMPLETED' where sn = 'O6';

-- @backfill
-- => shipped v1 wxfa000000lilishop 4200000000202609020000009001: express unified [ZTO ZT9001 保温杯*1] to oFAKE-li-1
-- => shipped v1 wxfa000000lilishop 4200000000202609020000009002: express split all [YTO YT9002 核桃*1;红枣*1] [SF SF9002 核桃*2 139****1234] to oFAKE-li-1
-- => shipped v1 wxfa000000lilishop 4200000000202609020000009003: express unified [ZTO ZT9003 雨伞*1] to oFAKE-li-2
-- => shipped v1 wxfa000000lilishop 4200000000202609020000009006: pick-up unified [鲜奶*2] to oFAKE-li-2
