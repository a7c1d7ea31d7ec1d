-- What litemall's code does to the database, a case a block. "@tx": one transaction. "@auto": each statement commits by
-- itself. "-- =>" is an event, or a payment that is newly held.

-- @case 01-ship @auto
-- Every column that is not null is written.
-- => shipped v1 wxfa0000000litemall 4200000000202609020000005001: express unified [ZTO ZT5001 保温杯*1;杯刷*2] to oFAKE-lm-1
update litemall_order set user_id = 1, order_sn = 'lm1', order_status = 301, mobile = '13900001111', pay_id = '4200000000202609020000005001', ship_sn = 'ZT5001', ship_channel = 'ZTO', ship_time = '2026-09-02 10:00:00', update_time = '2026-09-02 10:00:00', deleted = 0 where id = 1 and update_time = '2026-09-02 09:00:00';

-- @case 01-received-and-deleted @auto
update litemall_order set user_id = 1, order_sn = 'lm1', order_status = 401, mobile = '13900001111', pay_id = '4200000000202609020000005001', ship_sn = 'ZT5001', ship_channel = 'ZTO', confirm_time = '2026-09-05 10:00:00', update_time = '2026-09-05 10:00:00', deleted = 0 where id = 1 and update_time = '2026-09-02 10:00:00';
update litemall_order set deleted = 1 where id = 1;

-- @case 02-a-name-instead-of-a-code @auto
-- => shipped v1 wxfa0000000litemall 4200000000202609020000005002: express unified [SF SF5002 核桃*1 139****1234] to oFAKE-lm-2
update litemall_order set order_status = 301, ship_sn = 'SF5002', ship_channel = '顺丰速运', ship_time = '2026-09-02 10:00:00' where id = 2;

-- @case 02-refunded-after-shipping @auto
update litemall_order set order_status = 202 where id = 2;
update litemall_order set order_status = 203 where id = 2;

-- @case 03-paid-offline @auto
update litemall_order set order_status = 301, ship_sn = 'ZT5003', ship_channel = 'ZTO' where id = 3;

-- @case 04-refunded-before-shipping @auto
update litemall_order set order_status = 203 where id = 4;

-- @case 05-a-code-that-the-file-maps @auto
-- => shipped v1 wxfa0000000litemall 4200000000202609020000005005: express unified [OTHER FA5005 雨伞*1] to oFAKE-lm-1
update litemall_order set order_status = 301, ship_sn = 'FA5005', ship_channel = 'FAST' where id = 5;

-- @backfill
-- => shipped v1 wxfa0000000litemall 4200000000202609020000005001: express unified [ZTO ZT5001 保温杯*1;杯刷*2] to oFAKE-lm-1
-- => shipped v1 wxfa0000000litemall 4200000000202609020000005005: express unified [OTHER FA5005 雨伞*1] to oFAKE-lm-1
