-- What yudao's code runs when a clerk ships: an action each block.

-- Order 101: a clerk enters the carrier and the waybill.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 3, logistics_no = '78000000000101', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 101 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 102: by SF, which asks for the receiver's masked phone.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 2, logistics_no = 'SF1000000000102', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 102 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 103: two goods, one parcel.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 5, logistics_no = 'YT9000000000103', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 103 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 104: nothing to deliver.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 0, logistics_no = '', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 104 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 105: picked up; the clerk verifies the code.
BEGIN;
UPDATE trade_order SET status = 30, receive_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 105 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 106: paid from the wallet.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 3, logistics_no = '78000000000106', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 106 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 107: paid in the official account.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 3, logistics_no = '78000000000107', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 107 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 108: refunded before it was shipped.
BEGIN;
UPDATE trade_order_item SET after_sale_status = 20, after_sale_id = 81, update_time = now() WHERE deleted = 0 AND order_id = 108 AND after_sale_status = 0 AND tenant_id = 1;
UPDATE trade_order SET refund_status = 20, refund_price = 9900, update_time = now() WHERE deleted = 0 AND id = 108 AND tenant_id = 1;
UPDATE trade_order SET status = 40, cancel_type = 20, cancel_time = now(), update_time = now() WHERE deleted = 0 AND id = 108 AND tenant_id = 1;
UPDATE pay_order SET status = 20, refund_price = 9900, update_time = now() WHERE deleted = 0 AND id = 208 AND tenant_id = 1;
COMMIT;

-- Order 109
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 1, logistics_no = 'STO700000000109', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 109 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 110: with a carrier that WeChat does not know.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 6, logistics_no = 'VAN-20260901-1', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 110 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 111: shipped although nobody paid.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 3, logistics_no = '78000000000111', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 111 AND status = 0) AND tenant_id = 1;
COMMIT;

-- Order 112
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 3, logistics_no = '78000000000112', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 112 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 113
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 2, logistics_no = 'SF1000000000113', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 113 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 114
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 4, logistics_no = '43000000000114', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 114 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 115
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 5, logistics_no = 'YT9000000000115', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 115 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 116
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 2, logistics_no = 'SF1000000000116', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 116 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 117
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 1, logistics_no = 'STO700000000117', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 117 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Order 118
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 4, logistics_no = '43000000000118', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 118 AND status = 10) AND tenant_id = 1;
COMMIT;

-- Later. Order 103: "ship" again, with another carrier and waybill.
BEGIN;
UPDATE trade_order SET status = 20, logistics_id = 4, logistics_no = '43000000000103', delivery_time = now(), update_time = now(), updater = '1'
 WHERE deleted = 0 AND (id = 103 AND status = 20) AND tenant_id = 1;
COMMIT;
