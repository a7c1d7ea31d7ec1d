import type { Planned } from './plan.ts';

/** Longer than a call may take, and shorter than that but long. */
const tooLateMs = 2_600;
const slowMs = 1_700;

/** Answers that nobody foresaw (wechat.md §10): a proxy's code, a code of one bad day, a page of text for an errmsg. */
const beyondInt4 = 3_000_000_000;
const inBulk = -217;
const longText = 300_000;

/** Each kind at a rate of its own; which request meets which is a function of the seed. */
const common: readonly object[] = [
  { kind: 'lost_answer', rate: 0.05 },
  { kind: 'reset_before', rate: 0.03 },
  { kind: 'status', status: 500, rate: 0.02 },
  { kind: 'status', rate: 0.02, status: 502, committed: true },
  { kind: 'garbage', rate: 0.02 },
  { kind: 'no_errcode', rate: 0.02 },
  { kind: 'half_json', rate: 0.02 },
  { kind: 'delay', rate: 0.01, ms: tooLateMs },
  { kind: 'delay', rate: 0.01, ms: tooLateMs, committed: false },
  { kind: 'delay', rate: 0.02, ms: slowMs, committed: false },
  { kind: 'errcode', errcode: -1, rate: 0.02, committed: true },
  { kind: 'errcode', errcode: -1, rate: 0.02 },
  { kind: 'errcode', errcode: 10060012, rate: 0.02, committed: true },
  { kind: 'errcode', errcode: 10060019, rate: 0.02 },
  { kind: 'errcode', errcode: beyondInt4, rate: 0.01, committed: true },
  { kind: 'errcode', errcode: beyondInt4, rate: 0.005 },
  { kind: 'errcode', errcode: inBulk, rate: 0.015, committed: true },
  { kind: 'errcode', errcode: inBulk, rate: 0.01 },
  { kind: 'long_errmsg', length: longText, rate: 0.005 },
  { kind: 'lost_answer', endpoint: 'get_order', rate: 0.03 },
  { kind: 'status', endpoint: 'get_order', rate: 0.03 },
  { kind: 'half_json', endpoint: 'get_order', rate: 0.02 },
  { kind: 'errcode', errcode: -1, endpoint: 'get_order', rate: 0.02 },
  { kind: 'errcode', errcode: beyondInt4, endpoint: 'get_order', rate: 0.005 },
  { kind: 'long_errmsg', length: longText, endpoint: 'get_order', rate: 0.005 },
];

/** What stops an endpoint, the app or its token for everybody: a few of each, or nothing else would happen. */
const stops = [
  { kind: 'errcode', errcode: 45011 },
  { kind: 'errcode', errcode: 45009 },
  { kind: 'errcode', errcode: 48001 },
  { kind: 'errcode', errcode: 40001 },
  { kind: 'expire_token' },
];
const ofEach = 3;

/** What the sandbox is told to do to this seed's requests. */
export function faultsFor(plans: readonly Planned[], random: () => number): object[] {
  const ordinary = plans.filter((plan) => plan.fate === 'applied');
  const anyPayment = (): string => ordinary[Math.floor(random() * ordinary.length)]!.payment;
  const stopping = stops.flatMap((stop) =>
    Array.from({ length: ofEach }, () => ({ ...stop, transaction_id: anyPayment(), times: 1 })),
  );
  const own = plans.flatMap(({ payment, finishedCode, losesFirstAnswer }) => [
    ...(finishedCode === undefined
      ? []
      : [{ kind: 'errcode', errcode: finishedCode, transaction_id: payment }]),
    ...(losesFirstAnswer === true ? [{ kind: 'lost_answer', transaction_id: payment, times: 1 }] : []),
  ]);
  const byHand = plans
    .filter((plan) => plan.fate === 'conflict' || plan.fate === 'elsewhere')
    .map(({ payment, fate }) => ({
      kind: 'shipped_by_hand',
      transaction_id: payment,
      times: 1,
      ...(fate === 'conflict' ? { item_desc: '店员在后台发的货' } : {}),
    }));
  return [...own, ...byHand, ...stopping, ...common];
}

type Rule = { endpoint?: string; rate: number };

/** The common kinds at `share` of all requests together, and tokens that die in `tokenKills` of them. */
export function plainFaults(share: number, tokenKills: number): object[] {
  const endpoints = ['upload', 'get_order'] as const;
  const kills =
    tokenKills === 0
      ? []
      : endpoints.map((endpoint) => ({ kind: 'expire_token', endpoint, rate: tokenKills }));
  const rules = endpoints.flatMap((endpoint) => {
    const own = (common as readonly Rule[]).filter((rule) => (rule.endpoint ?? 'upload') === endpoint);
    const sum = own.reduce((total, { rate }) => total + rate, 0);
    return own.map((rule) => ({ ...rule, rate: (rule.rate / sum) * share }));
  });
  return [...kills, ...rules];
}

/** What somebody shipped by hand before our first event, where reads never show it. */
export const shippedBefore = (plans: readonly Planned[]): object[] =>
  plans
    .filter((plan) => plan.fate === 'finished_code')
    .map(({ events }) => ({
      ...events[0]!.data,
      shipping_list: [{ tracking_no: 'BYHAND', express_company: 'YTO', item_desc: '店员在后台发的货' }],
      upload_time: '2026-11-01T00:00:00+08:00',
    }));

/** Payments that the sandbox must know something of before the first event. */
export const paymentsFor = (plans: readonly Planned[]): object[] =>
  plans.flatMap(({ payment, fate, merchant, omits, orderState, visibleAfterMs, readLagMs }) => {
    const told = {
      ...merchant,
      ...(omits === undefined ? {} : { omits }),
      ...(orderState === undefined ? {} : { order_state: orderState }),
      ...(visibleAfterMs === undefined ? {} : { visible_after_ms: visibleAfterMs }),
      ...(readLagMs === undefined ? {} : { read_lag_ms: readLagMs }),
      ...(fate === 'refused' ? { openid: 'somebody-else' } : {}),
    };
    return Object.keys(told).length === 0 ? [] : [{ transaction_id: payment, ...told }];
  });
