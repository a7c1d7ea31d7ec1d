import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { effectsOf, tellSandbox } from '../../support/sandbox-client.ts';

type Json = Record<string, unknown>;
const appid = 'wx0123456789abcdef';
const order = '/wxa/sec/order';
const express = '/cgi-bin/express/delivery/open_msg';

let sandbox: Sandbox;
let token: string;
beforeEach(async () => {
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  const answer = await post('/cgi-bin/stable_token', { grant_type: 'client_credential', appid, secret: 's' });
  token = answer['access_token'] as string;
});
afterEach(() => sandbox.stop());

const post = async (path: string, body: object): Promise<Json> =>
  (await (
    await fetch(`${sandbox.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
  ).json()) as Json;
const call = (path: string, body: object): Promise<Json> => post(`${path}?access_token=${token}`, body);
const key = (id: string) => ({ order_number_type: 2, transaction_id: id });
const parcel = { tracking_no: 'YT1', express_company: 'YTO', item_desc: '苹果' };
const shipment = { logistics_type: 1, delivery_mode: 1, shipping_list: [parcel] };
const payer = { openid: 'o' };
const now = (): string => new Date().toISOString();

const waybill = {
  openid: 'o',
  receiver_phone: '13800001234',
  waybill_id: 'YT1',
  goods_info: { detail_list: [{ goods_name: '苹果', goods_img_url: 'https://shop.example/a.png' }] },
  trans_id: 'p',
  order_detail_path: '',
};

describe('the sandbox', () => {
  it.each([
    [`${order}/notify_confirm_receive`, { transaction_id: 'p', received_time: '1764000000' }, 47001],
    [`${order}/notify_confirm_receive`, { transaction_id: 7, received_time: 1_764_000_000 }, 47001],
    [`${order}/notify_confirm_receive`, { transaction_id: 'p' }, 10060029],
    [`${order}/notify_confirm_receive`, { received_time: 1_764_000_000 }, 10060014],
    [`${order}/opspecialorder`, { order_id: 'p', type: '1', delay_to: 1 }, 47001],
    [`${order}/opspecialorder`, { order_id: 'p', type: 3, delay_to: 1 }, 268546000],
    [`${order}/opspecialorder`, { order_id: 'p', type: 1 }, 268546001],
    [`${order}/set_msg_jump_path`, { path: 7 }, 47001],
    [`${order}/is_trade_managed`, { appid: 'wxOTHER' }, 40013],
    ['/cgi-bin/clear_quota', { appid: 'wxOTHER' }, 40013],
    ['/cgi-bin/openapi/rid/get', { rid: 7 }, 47001],
    [`${express}/trace_waybill`, { ...waybill, receiver_phone: 13_800_001_234 }, 47001],
    [
      `${express}/trace_waybill`,
      { ...waybill, goods_info: { detail_list: [{ goods_name: '苹果' }] } },
      47001,
    ],
    [`${express}/trace_waybill`, { ...waybill, order_detail_path: undefined }, 47001],
    [`${express}/query_trace`, { waybill_token: 'nobody' }, 40097],
    [`${order}/upload_combined_shipping_info`, { order_key: key('p'), sub_orders: [] }, 47001],
  ])('is as strict about %s as WeChat: %j answers %i', async (path, body, errcode) => {
    expect(await call(path, body)).toMatchObject({ errcode });
  });

  it('follows a parcel through its script', async () => {
    await tellSandbox(sandbox.url, 'parcels', { tracking_no: 'YT1', statuses: [2, 4] });
    const { waybill_token: waybillToken } = await call(`${express}/trace_waybill`, waybill);
    const query = async () =>
      (await call(`${express}/query_trace`, { waybill_token: waybillToken }))['waybill_info'];
    expect([await query(), await query(), await query()]).toMatchObject([
      { status: 2 },
      { status: 4 },
      { status: 4, waybill_id: 'YT1' },
    ]);
  });

  it('ships each payment of a combined one by itself', async () => {
    const body = {
      order_key: key('main'),
      sub_orders: ['a', 'b'].map((id) => ({ order_key: key(id), ...shipment })),
      upload_time: now(),
      payer,
    };
    expect(await call(`${order}/upload_combined_shipping_info`, body)).toMatchObject({ errcode: 0 });
    const effects = await effectsOf(sandbox.url);
    expect(effects.map(({ payment, kind }) => [payment, kind])).toEqual([
      ['a', 'ship'],
      ['b', 'ship'],
    ]);
    expect(await call(`${order}/upload_combined_shipping_info`, body)).toMatchObject({ errcode: 268485216 });
  });

  it('refuses a combined payment whose parts are named in another way than its whole', async () => {
    const body = {
      order_key: { order_number_type: 1, mchid: 'm', out_trade_no: 'o' },
      sub_orders: [{ order_key: key('a'), ...shipment }],
      upload_time: now(),
      payer,
    };
    expect(await call(`${order}/upload_combined_shipping_info`, body)).toMatchObject({ errcode: 268485194 });
  });
});
