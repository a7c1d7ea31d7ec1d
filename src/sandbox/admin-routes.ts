import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { appsShape } from './apps.ts';
import { checkUpload } from './check.ts';
import { textOf } from './codes.ts';
import { consoleEdit, editedBody } from './console-edit.ts';
import { endpoints, faultRules, membersOfFault, nextFault, type FaultRule } from './faults.ts';
import { omissions } from './omissions.ts';
import { describeIssues, listOf } from './problems.ts';
import type { Post } from './post.ts';
import { addPushRoutes } from './push-routes.ts';
import type { Service } from './service.ts';
import { addShopAdmin } from './shop-admin.ts';
import { contentHash, type Effect, type Payment } from './world.ts';

const paymentShape = z
  .strictObject({
    transaction_id: z.string().min(1).optional(),
    mchid: z.string().min(1).optional(),
    sub_mchid: z.string().min(1).optional(),
    out_trade_no: z.string().min(1).optional(),
    appid: z.string().optional(),
    openid: z.string().optional(),
    paid_amount: z.int().min(0).optional(),
    pay_time: z.int().min(0).optional(),
    in_complaint: z.boolean().optional(),
    visible_after_ms: z.int().min(0).optional(),
    order_state: z.int().min(1).max(6).optional(),
    read_lag_ms: z.int().min(0).optional(),
    omits: z.array(z.enum(omissions)).optional(),
  })
  .refine(
    (one) => one.transaction_id !== undefined || (one.mchid !== undefined && one.out_trade_no !== undefined),
    {
      error: 'transaction_id, or mchid and out_trade_no, must name the payment',
    },
  );
const paymentsShape = listOf(paymentShape);
/** What can be told of a payment. */
export const paymentMembers: readonly string[] = Object.keys(paymentShape.shape);
const quotasShape = z.partialRecord(
  z.enum(endpoints),
  z.strictObject({ daily: z.int().min(0), per_minute: z.int().min(0) }),
);
const carriersShape = z.strictObject({
  add: listOf(z.strictObject({ delivery_id: z.string(), delivery_name: z.string() })).optional(),
  list: z.array(z.unknown()).optional(),
});
const rulesShape = z.strictObject({
  read_lag_ms: z.int().min(0).optional(),
  parcel_mode: z.enum(['merge', 'overwrite', 'append']).optional(),
  auto_create_payments: z.boolean().optional(),
  day_ms: z.int().min(1).optional(),
});
const namedPayment = z.strictObject({ payment: z.string().min(1) });

type Request = FastifyRequest<{ Body: string }>;

/** What WeChat does not have: preparing payments, faults, quotas, and the record of what happened. */
export function addAdminRoutes(app: FastifyInstance, service: Service): void {
  const post: Post = (path, shape, run, membersOf) => {
    app.post(path, async (request: Request, reply) => {
      const body = parse(request.body);
      const parsed = shape.safeParse(body);
      if (parsed.success) return reply.send(await run(parsed.data));
      return reply.status(400).send({ error: describeIssues(body, parsed.error, membersOf) });
    });
  };
  addPreparation(post, service);
  addConsole(post, service);
  addPushRoutes(app, post, service);
  addMoney(post, service);
  addShopAdmin(app, post, service);
  app.post('/_sandbox/reset', (_request, reply) => {
    service.forget();
    return reply.send({ reset: true });
  });
  app.post('/_sandbox/tokens/expire', (_request, reply) => {
    service.tokens.expireAll();
    return reply.send({ expired: true });
  });
  addRecords(app, service);
}

function addPreparation(post: Post, service: Service): void {
  post('/_sandbox/apps', appsShape, (apps) => {
    for (const { appid, secret } of apps) service.apps.put(appid, secret);
    return { apps: apps.map(({ appid }) => appid) };
  });
  post('/_sandbox/payments', paymentsShape, (payments) => {
    for (const payment of payments) service.world.put(payment, service.nowMs());
    return { payments: payments.length };
  });
  const takeFaults = (rules: FaultRule[]): object => {
    service.rules = rules;
    return { faults: rules };
  };
  post('/_sandbox/faults', faultRules, takeFaults, membersOfFault);
  const playNext = (rule: FaultRule): object => {
    service.playNext({ ...rule, transaction_id: rule.transaction_id ?? '' });
    return { faults: service.rules };
  };
  post('/_sandbox/faults/next', nextFault, playNext, membersOfFault);
  post('/_sandbox/quotas', quotasShape, (quotas) => {
    for (const [name, quota] of Object.entries(quotas)) service.usage.quotas.set(name as 'upload', quota);
    return { quotas };
  });
  post('/_sandbox/carriers', carriersShape, ({ list, add = [] }) => {
    service.world.carriers = [...(list ?? service.world.carriers), ...add];
    return { carriers: service.world.carriers.length };
  });
  post('/_sandbox/rules', rulesShape, (given) => {
    const { rules } = service.world;
    rules.readLagMs = given.read_lag_ms ?? rules.readLagMs;
    rules.parcelMode = given.parcel_mode ?? rules.parcelMode;
    rules.autoCreatePayments = given.auto_create_payments ?? rules.autoCreatePayments;
    if (given.day_ms !== undefined) rules.dayMs = given.day_ms;
    return { rules };
  });
}

/** What a person does in WeChat's own console. */
function addConsole(post: Post, service: Service): void {
  post('/_sandbox/console-ship', z.looseObject({}), (body) => {
    const checked = checkUpload(body);
    if (checked.kind === 'refused') return { errcode: checked.errcode, errmsg: textOf(checked.errcode) };
    const text = JSON.stringify(body);
    // The console of whichever app has it.
    const appid = service.world.named(checked.upload.payment)?.appid ?? '';
    const from = { appid, body: text, byHand: true };
    const errcode = service.world.upload(checked.upload, from, service.nowMs());
    return { errcode, errmsg: textOf(errcode) };
  });
  post('/_sandbox/console-edit', consoleEdit, (edit) => {
    const payment = service.world.named(edit.payment);
    if (payment === undefined) return { errcode: 10060001, errmsg: textOf(10060001) };
    const body = editedBody(payment, edit);
    const checked = body === null ? { kind: 'refused' as const, errcode: 10060028 } : checkUpload(body);
    if (checked.kind === 'refused') return { errcode: checked.errcode, errmsg: textOf(checked.errcode) };
    const from = { appid: payment.appid ?? '', body: JSON.stringify(body), byHand: true, replaces: true };
    const errcode = service.world.upload(checked.upload, from, service.nowMs());
    return { errcode, errmsg: textOf(errcode) };
  });
}

/** What the buyer does, and the shop with the money. */
function addMoney(post: Post, service: Service): void {
  const verb = (path: string, run: (payment: Payment) => number): void =>
    post(path, namedPayment, (named) => {
      const payment = service.world.named(named.payment);
      const errcode = payment === undefined ? 10060001 : run(payment);
      return { errcode, errmsg: textOf(errcode) };
    });
  verb('/_sandbox/confirm', (payment) => service.world.confirm(payment, service.nowMs()));
  verb('/_sandbox/refund', (payment) => {
    service.world.refund(payment, service.nowMs());
    return 0;
  });
}

function addRecords(app: FastifyInstance, service: Service): void {
  app.get('/_sandbox/payments/:key', (request: FastifyRequest<{ Params: { key: string } }>, reply) => {
    const payment = service.world.named(request.params.key);
    if (payment === undefined)
      return reply
        .status(404)
        .send({ error: `no payment ${request.params.key}: POST /_sandbox/payments makes one` });
    service.world.advance(payment, service.nowMs());
    return reply.send(shownOf(payment));
  });
  app.get('/_sandbox/payments', (_request, reply) => {
    service.world.advanceAll(service.nowMs());
    const lines = [...service.world.payments.values()].map((payment) => {
      const { uploads, ...shown } = shownOf(payment);
      return `${JSON.stringify(shown)}\n`;
    });
    return reply.type('application/x-ndjson').send(lines.join(''));
  });
  app.get('/_sandbox/stats', (_request, reply) => reply.send(statsOf(service)));
  app.get('/_sandbox/effects', (request: FastifyRequest<{ Querystring: { bodies?: string } }>, reply) => {
    const whole = request.query.bodies === 'true';
    const lines = service.world.effects.map((effect) => lineOf(effect, whole));
    return reply.type('application/x-ndjson').send(lines.join(''));
  });
  app.get('/_sandbox/requests', (_request, reply) =>
    reply
      .type('application/x-ndjson')
      .send(service.seen.map((request) => `${JSON.stringify(request)}\n`).join('')),
  );
}

function shownOf(payment: Payment) {
  const { history, reshipSpent, ...rest } = payment;
  const finishCount = payment.shipping?.finishCount ?? 0;
  return { ...rest, finish_shipping_count: finishCount, reship_spent: reshipSpent };
}

const lineOf = ({ body, ...effect }: Effect, whole: boolean): string =>
  `${JSON.stringify({ ...effect, bodyHash: contentHash(body), ...(whole ? { body } : {}) })}\n`;

function statsOf({ world, tokens, usage }: Service): object {
  const kinds = { ship: 0, add: 0, reship: 0 };
  for (const effect of world.effects) kinds[effect.kind] += 1;
  return {
    payments: world.payments.size,
    effects: kinds,
    requests: usage.requests(),
    faults: usage.faults(),
    token_fetches: tokens.fetches(),
    busiest_second: usage.busiestSecond(),
  };
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
