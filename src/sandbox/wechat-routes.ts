import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkUpload } from './check.ts';
import type { EndpointName } from './faults.ts';
import { listBody, orderBody } from './order-body.ts';
import type { Service } from './service.ts';
import { addShopRoutes, shopPaths } from './shop-routes.ts';

export const paths = {
  upload: '/wxa/sec/order/upload_shipping_info',
  get_order: '/wxa/sec/order/get_order',
  get_order_list: '/wxa/sec/order/get_order_list',
  token: '/cgi-bin/token',
  stable_token: '/cgi-bin/stable_token',
  quota: '/cgi-bin/openapi/quota/get',
  delivery_list: '/cgi-bin/express/delivery/open_msg/get_delivery_list',
} as const;

type Json = Record<string, unknown>;
type Handler = (appid: string, body: string) => Json;
type Query = { access_token?: string };

/** WeChat's own paths. Bodies come as text: what was sent is kept as it was. */
export function addWechatRoutes(app: FastifyInstance, service: Service): void {
  const route = (endpoint: EndpointName, path: string, handle: Handler): void => {
    app.post(path, (request: FastifyRequest<{ Querystring: Query; Body: string }>, reply) => {
      const body = typeof request.body === 'string' ? request.body : '';
      return service.answer({ endpoint, token: request.query.access_token, body, handle }, reply);
    });
  };
  route('upload', paths.upload, (appid, body) => upload(service, appid, body));
  route('get_order', paths.get_order, (appid, body) => getOrder(service, appid, body));
  route('get_order_list', paths.get_order_list, (appid, body) => getOrderList(service, appid, body));
  route('quota', paths.quota, (appid, body) => getQuota(service, appid, body));
  route('delivery_list', paths.delivery_list, () => deliveryList(service));
  addShopRoutes(app, service);
  app.post(paths.stable_token, (request: FastifyRequest<{ Body: string }>, reply) =>
    token(service, 'stable', request.body, reply),
  );
  app.get(paths.token, (request: FastifyRequest<{ Querystring: Json }>, reply) =>
    token(service, 'plain', JSON.stringify(request.query), reply),
  );
  app.setNotFoundHandler((_request, reply) => service.send(reply, { errcode: 40066 }));
}

function upload(service: Service, appid: string, text: string): Json {
  if (text === '') return { errcode: 44002 };
  const checked = checkUpload(parse(text));
  if (checked.kind === 'refused') return checked;
  return { errcode: service.world.upload(checked.upload, { appid, body: text }, service.nowMs()) };
}

const keyIn = (asked: Json): string | null => {
  const { transaction_id: id, merchant_id: merchant, merchant_trade_no: trade } = asked;
  if (typeof id === 'string' && id !== '') return id;
  return typeof merchant === 'string' && typeof trade === 'string' ? `${merchant}:${trade}` : null;
};

function getOrder(service: Service, appid: string, text: string): Json {
  const asked = parse(text);
  const key = asked === null ? null : keyIn(asked);
  if (key === null) return { errcode: 10060014 };
  const nowMs = service.nowMs();
  const payment = service.world.find(key, appid, nowMs);
  if (payment === undefined) return { errcode: 10060001 };
  return { errcode: 0, order: orderBody(payment, service.world.view(payment, nowMs)) };
}

function getOrderList(service: Service, appid: string, text: string): Json {
  const asked = parse(text);
  return asked === null ? { errcode: 47001 } : listBody(service.world, { appid, asked }, service.nowMs());
}

function getQuota(service: Service, appid: string, text: string): Json {
  const path = parse(text)?.['cgi_path'];
  const endpoint = endpointOf(path);
  if (endpoint === undefined) return { errcode: 76003 };
  const quota = service.usage.quotas.get(endpoint) ?? { daily: 1_000_000, per_minute: 600_000 };
  const used = service.usage.used(appid, endpoint, service.nowMs());
  return {
    errcode: 0,
    quota: { daily_limit: quota.daily, used, remain: Math.max(0, quota.daily - used) },
    rate_limit: { call_count: quota.per_minute, refresh_second: 60 },
  };
}

function endpointOf(path: unknown): EndpointName | undefined {
  const names = Object.keys(paths) as (keyof typeof paths)[];
  const name = names.find((one) => paths[one] === path);
  return name === 'stable_token' ? 'token' : (name ?? shopPaths.find((one) => one.path === path)?.endpoint);
}

function deliveryList({ world: { carriers: list } }: Service): Json {
  return { errcode: 0, count: list.length, delivery_list: list };
}

/** Meets faults as every other call does. */
function token(
  service: Service,
  mode: 'stable' | 'plain',
  body: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const handle = (): Json => mint(service, mode, parse(body));
  return service.answer({ endpoint: 'token', token: undefined, needsToken: false, body, handle }, reply);
}

function mint(service: Service, mode: 'stable' | 'plain', asked: Json | null): Json {
  const { appid, secret } = asked ?? {};
  const errcode = service.apps.refusal(appid, secret);
  if (errcode !== null) return { errcode };
  const of = String(appid);
  const answered =
    mode === 'stable'
      ? service.tokens.stable(of, asked?.['force_refresh'] === true, service.nowMs())
      : service.tokens.plain(of, service.nowMs());
  return answered.kind === 'refused'
    ? { errcode: answered.errcode }
    : { errcode: undefined, access_token: answered.value, expires_in: answered.expiresInSeconds };
}

function parse(text: unknown): Json | null {
  if (typeof text !== 'string') return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
  } catch {
    return null;
  }
}
