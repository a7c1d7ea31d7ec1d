import type { FastifyInstance, FastifyRequest } from 'fastify';
import { checkUpload, type Upload } from './check.ts';
import type { EndpointName } from './faults.ts';
import type { Service } from './service.ts';
import type { Payment } from './world.ts';

type Json = Record<string, unknown>;
type Handler = (service: Service, appid: string, body: Json, text: string) => Json;
type Query = { access_token?: string };

/** WeChat's own paths of the calls beside upload and reads, by the endpoint that faults and quotas name. */
export const shopPaths: readonly { endpoint: EndpointName; path: string; handle: Handler }[] = [
  { endpoint: 'combined', path: '/wxa/sec/order/upload_combined_shipping_info', handle: uploadCombined },
  { endpoint: 'notify', path: '/wxa/sec/order/notify_confirm_receive', handle: notify },
  { endpoint: 'special_order', path: '/wxa/sec/order/opspecialorder', handle: reportSpecialOrder },
  { endpoint: 'settings', path: '/wxa/sec/order/set_msg_jump_path', handle: setPath('jumpPaths') },
  { endpoint: 'settings', path: '/wxa/sec/order/update_order_detail_path', handle: setPath('detailPaths') },
  {
    endpoint: 'settings',
    path: '/wxa/sec/order/get_order_detail_path',
    handle: ({ shop }, appid) => ({ errcode: 0, path: shop.detailPaths.get(appid) ?? '' }),
  },
  {
    endpoint: 'settings',
    path: '/wxa/sec/order/is_trade_managed',
    handle: ({ shop }, appid, body) => ofApp(appid, body) ?? { errcode: 0, is_trade_managed: shop.managed },
  },
  {
    endpoint: 'settings',
    path: '/wxa/sec/order/is_trade_management_confirmation_completed',
    handle: ({ shop }, appid, body) => ofApp(appid, body) ?? { errcode: 0, completed: shop.completed },
  },
  { endpoint: 'settings', path: '/cgi-bin/clear_quota', handle: clearQuota },
  { endpoint: 'rid', path: '/cgi-bin/openapi/rid/get', handle: showRequest },
  {
    endpoint: 'trace_waybill',
    path: '/cgi-bin/express/delivery/open_msg/trace_waybill',
    handle: traceWaybill,
  },
  { endpoint: 'query_trace', path: '/cgi-bin/express/delivery/open_msg/query_trace', handle: queryTrace },
];

export function addShopRoutes(app: FastifyInstance, service: Service): void {
  for (const { endpoint, path, handle } of shopPaths)
    app.post(path, (request: FastifyRequest<{ Querystring: Query; Body: string }>, reply) => {
      const text = typeof request.body === 'string' ? request.body : '';
      const answer = (appid: string): Json => {
        if (text === '') return { errcode: 44002 };
        const body = parse(text);
        return body === null ? { errcode: 47001 } : handle(service, appid, body, text);
      };
      return service.answer(
        { endpoint, path, token: request.query.access_token, body: text, handle: answer },
        reply,
      );
    });
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isSeconds = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const badFormat = (hint: string): { errcode: number; hint: string } => ({ errcode: 47001, hint });
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** By the names that get_order takes; a code where WeChat refuses them. */
function paymentOf({ world }: Service, appid: string, asked: Json, nowMs: number): Payment | number {
  const { transaction_id: id, merchant_id: merchant, merchant_trade_no: trade } = asked;
  if ([id, merchant, trade].some((one) => one !== undefined && typeof one !== 'string')) return 47001;
  const key = isText(id) ? id : isText(merchant) && isText(trade) ? `${merchant}:${trade}` : null;
  if (key === null) return 10060014;
  return world.find(key, appid, nowMs) ?? 10060001;
}

function notify(service: Service, appid: string, body: Json, text: string): Json {
  const { received_time: receivedTime } = body;
  const nowMs = service.nowMs();
  const payment = paymentOf(service, appid, body, nowMs);
  if (typeof payment === 'number') return { errcode: payment };
  if (receivedTime !== undefined && typeof receivedTime !== 'number') return badFormat('received_time');
  if (!isSeconds(receivedTime)) return { errcode: 10060029 };
  return { errcode: service.shop.notify(payment, { receivedTime, body: text }, nowMs) };
}

function reportSpecialOrder(service: Service, appid: string, body: Json): Json {
  const order = specialOrderIn(body);
  if ('errcode' in order) return order;
  const { world, shop } = service;
  const named = [...world.payments.values()].find(({ outTradeNo }) => outTradeNo === order.id);
  const payment = named ?? world.find(order.id, appid, service.nowMs());
  return { errcode: shop.report(payment, { type: order.type, delayTo: order.delayTo }, service.nowMs()) };
}

function specialOrderIn({
  order_id: id,
  type,
  delay_to: delayTo = null,
}: Json): { id: string; type: number; delayTo: number | null } | { errcode: number; hint?: string } {
  if (!isText(id)) return badFormat('order_id');
  if (typeof type !== 'number') return badFormat('type');
  if (type !== 1 && type !== 2) return { errcode: 268546000 };
  if (delayTo !== null && typeof delayTo !== 'number') return badFormat('delay_to');
  return type === 1 && !isSeconds(delayTo) ? { errcode: 268546001 } : { id, type, delayTo };
}

function setPath(of: 'jumpPaths' | 'detailPaths'): Handler {
  return ({ shop }, appid, { path }) => {
    if (typeof path !== 'string') return badFormat('path');
    shop[of].set(appid, path);
    return { errcode: 0 };
  };
}

/** Whom the body names must be who owns the token. */
const ofApp = (appid: string, { appid: named }: Json): Json | null =>
  typeof named !== 'string' ? badFormat('appid') : named === appid ? null : { errcode: 40013 };

function clearQuota(service: Service, appid: string, body: Json): Json {
  const refused = ofApp(appid, body);
  if (refused !== null) return refused;
  if (!service.shop.clearQuota(appid, service.nowMs())) return { errcode: 48006 };
  service.usage.clear(appid);
  return { errcode: 0 };
}

function showRequest(service: Service, appid: string, { rid }: Json): Json {
  if (!isText(rid)) return badFormat('rid');
  const known = service.shop.request(rid, appid, service.nowMs());
  if (typeof known === 'number') return { errcode: known };
  return {
    errcode: 0,
    request: {
      invoke_time: Math.floor(known.atMs / 1000),
      cost_in_ms: 1,
      request_url: `${known.path}?access_token=SANDBOX`,
      request_body: known.body,
      response_body: known.answer,
      client_ip: '127.0.0.1',
    },
  };
}

function traceWaybill({ shop }: Service, appid: string, body: Json): Json {
  const { openid, receiver_phone: phone, waybill_id: trackingNo, trans_id: id, goods_info: goods } = body;
  for (const [name, value] of Object.entries({
    openid,
    receiver_phone: phone,
    waybill_id: trackingNo,
    trans_id: id,
  }))
    if (!isText(value)) return badFormat(name);
  if (typeof body['order_detail_path'] !== 'string') return badFormat('order_detail_path');
  if (!isGoods(goods)) return badFormat('goods_info');
  const given = {
    appid,
    trackingNo: trackingNo as string,
    phone: phone as string,
    goods: JSON.stringify(goods),
  };
  return { errcode: 0, waybill_token: shop.follow(given) };
}

const isGoods = (goods: unknown): boolean => {
  const list = isObject(goods) ? goods['detail_list'] : undefined;
  return (
    Array.isArray(list) &&
    list.length > 0 &&
    list.every((one) => isObject(one) && isText(one['goods_name']) && isText(one['goods_img_url']))
  );
};

/** WeChat's code for a token that it did not give is not known: this is its general one. */
function queryTrace({ shop }: Service, appid: string, { waybill_token: token }: Json): Json {
  if (!isText(token)) return badFormat('waybill_token');
  const parcel = shop.query(appid, token);
  if (parcel === undefined) return { errcode: 40097 };
  return {
    errcode: 0,
    waybill_info: { waybill_id: parcel.trackingNo, status: parcel.status },
    shop_info: { goods_info: JSON.parse(parcel.goods) as Json },
  };
}

/** Each part is taken as an upload of its own is; the first that is refused is the answer, and earlier ones stay. */
function uploadCombined(service: Service, appid: string, body: Json, text: string): Json {
  const parts = partsOf(body);
  if (!Array.isArray(parts)) return parts;
  const nowMs = service.nowMs();
  if (parts.some(({ payment }) => service.world.find(payment, appid, nowMs) === undefined))
    return { errcode: 10060001 };
  const codes = parts.map((part) => service.world.upload(part, { appid, body: text }, nowMs));
  return { errcode: codes.find((errcode) => errcode !== 0) ?? 0 };
}

function partsOf({ sub_orders: parts, upload_time, payer, order_key: main }: Json): Upload[] | Json {
  if (!isObject(main)) return badFormat('order_key');
  if (!Array.isArray(parts) || parts.length === 0) return badFormat('sub_orders');
  const checked = parts.map((part) => checkUpload({ ...Object(part), upload_time, payer }));
  const refused = checked.find((one) => one.kind === 'refused');
  if (refused !== undefined) return refused;
  const sameType = parts.every((part) => typeOf(part) === main['order_number_type']);
  if (!sameType) return { errcode: 268485194 };
  return checked.flatMap((one) => (one.kind === 'upload' ? [one.upload] : []));
}

const typeOf = (part: unknown): unknown => {
  const { order_key: key } = Object(part) as Json;
  return isObject(key) ? key['order_number_type'] : undefined;
};

function parse(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
