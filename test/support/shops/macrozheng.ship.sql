-- What the shop's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-many-orders-in-one-statement @tx
-- 3 was paid by Alipay; 4 was closed before, and its state keeps it out of the statement.
-- => shipped v1 wxfa0000macrozheng 4200000000202609020000006001: express unified [ZTO ZT6001 保温杯*1] to oFAKE-mz-1
-- => shipped v1 wxfa0000macrozheng 4200000000202609020000006002: express unified [SF SF6002 核桃*2;红枣*1 139****1234] to oFAKE-mz-2
start transaction;
update oms_order set status = 4 where id = 4;
update oms_order set delivery_sn = case id when 1 then 'ZT6001' when 2 then 'SF6002' when 3 then 'YD6003' when 4 then 'YD6004' end, delivery_company = case id when 1 then '中通快递' when 2 then '顺丰' when 3 then '韵达' when 4 then '韵达' end, delivery_time = case id when 1 then now() when 2 then now() when 3 then now() when 4 then now() end, status = case id when 1 then 2 when 2 then 2 when 3 then 2 when 4 then 2 end where id in (1, 2, 3, 4) and status = 1;
insert into oms_order_operate_history (order_id, operate_man, order_status, note) values (1, '后台管理员', 2, '完成发货'), (2, '后台管理员', 2, '完成发货');
commit;

-- @case 05-shipped-before-the-payment-is-known @tx
-- It waits, and `adopt status` says so.
start transaction;
update oms_order set delivery_sn = case id when 5 then 'YT6005' end, delivery_company = case id when 5 then '圆通速递' end, delivery_time = case id when 5 then now() end, status = case id when 5 then 2 end where id in (5) and status = 1;
commit;

-- @case 05-the-payment-becomes-known @auto
-- => shipped v1 wxfa0000macrozheng 4200000000202609020000006005: express unified [YTO YT6005 雨伞*1] to oFAKE-mz-2
insert into shop_wechat_payment values (5, '4200000000202609020000006005', 'oFAKE-mz-2');

-- @case 01-received @auto
update oms_order set status = 3 where id = 1;
update oms_order set delete_status = 1 where id = 1;

-- @backfill
-- => shipped v1 wxfa0000macrozheng 4200000000202609020000006001: express unified [ZTO ZT6001 保温杯*1] to oFAKE-mz-1
-- => shipped v1 wxfa0000macrozheng 4200000000202609020000006002: express unified [SF SF6002 核桃*2;红枣*1 139****1234] to oFAKE-mz-2
-- => shipped v1 wxfa0000macrozheng 4200000000202609020000006005: express unified [YTO YT6005 雨伞*1] to oFAKE-mz-2
