-- What likeshop's code runs when a clerk ships: an action each block. Most statements commit by themselves.

-- Order 1: a parcel row, then the order; a commit each.
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (501, 1, '202609010000000001', 101, 1, '测试甲', '13900000001', '虚构路 1 号', 'YT9000000001001', 1, 1788230010, 11, '圆通', 1);
UPDATE ls_order SET update_time = 1788230010, shipping_time = 1788230010, shipping_status = 1, order_status = 2, delivery_id = 501 WHERE id = 1;

-- Order 2: by SF, which asks for the receiver's masked phone.
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (502, 2, '202609010000000002', 102, 1, '测试乙', '13900000002', '虚构路 2 号', 'SF1000000001002', 1, 1788230020, 17, '顺丰', 1);
UPDATE ls_order SET update_time = 1788230020, shipping_time = 1788230020, shipping_status = 1, order_status = 2, delivery_id = 502 WHERE id = 2;

-- Order 3: nothing to deliver.
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time)
VALUES (503, 3, '202609010000000003', 103, 1, '测试丙', '13900000003', '虚构路 3 号', '', 2, 1788230030);
UPDATE ls_order SET update_time = 1788230030, shipping_time = 1788230030, shipping_status = 1, order_status = 2, delivery_id = 503 WHERE id = 3;

-- Order 4: picked up; the clerk verifies the code.
START TRANSACTION;
INSERT INTO ls_verification (order_id, selffetch_shop_id, handle_id, verification_scene, snapshot, create_time) VALUES (4, 3, 1, 1, '{"sn":"admin","name":"店员"}', 1788230040);
UPDATE ls_order SET order_status = 3, verification_status = 1, update_time = 1788230040, confirm_take_time = 1788230040 WHERE id = 4;
COMMIT;

-- Order 5: paid from the balance.
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (505, 5, '202609010000000005', 105, 1, '测试戊', '13900000005', '虚构路 5 号', '78000000001005', 1, 1788230050, 12, '中通', 1);
UPDATE ls_order SET update_time = 1788230050, shipping_time = 1788230050, shipping_status = 1, order_status = 2, delivery_id = 505 WHERE id = 5;

-- Order 6: refunded before it was shipped.
UPDATE ls_order SET order_status = 4, update_time = 1788230060, cancel_time = 1788230060 WHERE id = 6;
UPDATE ls_order_goods SET refund_status = 3 WHERE order_id = 6;
UPDATE ls_order SET pay_status = 2, refund_status = 2, refund_amount = 99.00 WHERE id = 6;

-- Order 7: two goods, one parcel.
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (507, 7, '202609010000000007', 107, 1, '测试庚', '13900000007', '虚构路 7 号', 'STO700000001007', 1, 1788230070, 13, '申通', 1);
UPDATE ls_order SET update_time = 1788230070, shipping_time = 1788230070, shipping_status = 1, order_status = 2, delivery_id = 507 WHERE id = 7;

-- Order 8: with a carrier that WeChat does not know.
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (508, 8, '202609010000000008', 108, 1, '测试辛', '13900000008', '虚构路 8 号', 'VAN-20260901-1', 1, 1788230080, 21, '本店面包车', 1);
UPDATE ls_order SET update_time = 1788230080, shipping_time = 1788230080, shipping_status = 1, order_status = 2, delivery_id = 508 WHERE id = 8;

-- Order 9: of the official account.
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (509, 9, '202609010000000009', 109, 1, '测试壬', '13900000009', '虚构路 9 号', '78000000001009', 1, 1788230090, 12, '中通', 1);
UPDATE ls_order SET update_time = 1788230090, shipping_time = 1788230090, shipping_status = 1, order_status = 2, delivery_id = 509 WHERE id = 9;

-- Order 10: paid offline.
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (510, 10, '202609010000000010', 110, 1, '测试癸', '13900000010', '虚构路 10 号', '78000000001010', 1, 1788230100, 12, '中通', 1);
UPDATE ls_order SET update_time = 1788230100, shipping_time = 1788230100, shipping_status = 1, order_status = 2, delivery_id = 510 WHERE id = 10;

-- Order 11
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (511, 11, '202609010000000011', 111, 1, '测试甲', '13900000011', '虚构路 11 号', '43000000001011', 1, 1788230110, 14, '韵达', 1);
UPDATE ls_order SET update_time = 1788230110, shipping_time = 1788230110, shipping_status = 1, order_status = 2, delivery_id = 511 WHERE id = 11;

-- Order 12
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (512, 12, '202609010000000012', 112, 1, '测试乙', '13900000012', '虚构路 12 号', '78000000001012', 1, 1788230120, 12, '中通', 1);
UPDATE ls_order SET update_time = 1788230120, shipping_time = 1788230120, shipping_status = 1, order_status = 2, delivery_id = 512 WHERE id = 12;

-- Order 13
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (513, 13, '202609010000000013', 113, 1, '测试丙', '13900000013', '虚构路 13 号', 'SF1000000001013', 1, 1788230130, 17, '顺丰', 1);
UPDATE ls_order SET update_time = 1788230130, shipping_time = 1788230130, shipping_status = 1, order_status = 2, delivery_id = 513 WHERE id = 13;

-- Order 14
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (514, 14, '202609010000000014', 114, 1, '测试丁', '13900000014', '虚构路 14 号', '43000000001014', 1, 1788230140, 14, '韵达', 1);
UPDATE ls_order SET update_time = 1788230140, shipping_time = 1788230140, shipping_status = 1, order_status = 2, delivery_id = 514 WHERE id = 14;

-- Order 15
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (515, 15, '202609010000000015', 115, 1, '测试戊', '13900000015', '虚构路 15 号', 'YT9000000001015', 1, 1788230150, 11, '圆通', 1);
UPDATE ls_order SET update_time = 1788230150, shipping_time = 1788230150, shipping_status = 1, order_status = 2, delivery_id = 515 WHERE id = 15;

-- Order 16
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (516, 16, '202609010000000016', 116, 1, '测试己', '13900000016', '虚构路 16 号', 'SF1000000001016', 1, 1788230160, 17, '顺丰', 1);
UPDATE ls_order SET update_time = 1788230160, shipping_time = 1788230160, shipping_status = 1, order_status = 2, delivery_id = 516 WHERE id = 16;

-- Order 17
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (517, 17, '202609010000000017', 117, 1, '测试庚', '13900000017', '虚构路 17 号', 'STO700000001017', 1, 1788230170, 13, '申通', 1);
UPDATE ls_order SET update_time = 1788230170, shipping_time = 1788230170, shipping_status = 1, order_status = 2, delivery_id = 517 WHERE id = 17;

-- Order 18
INSERT INTO ls_delivery (id, order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
VALUES (518, 18, '202609010000000018', 118, 1, '测试辛', '13900000018', '虚构路 18 号', 'JT0000000001018', 1, 1788230180, 18, '极兔快递', 1);
UPDATE ls_order SET update_time = 1788230180, shipping_time = 1788230180, shipping_status = 1, order_status = 2, delivery_id = 518 WHERE id = 18;

-- Later. Order 7: another carrier and waybill; only the parcel's row changes.
UPDATE ls_delivery SET shipping_id = 18, shipping_name = '极兔快递', invoice_no = 'JT0000000001007' WHERE id = 507;
