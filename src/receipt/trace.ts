import { messageOf } from '../errors.ts';
import { orderKeyOf } from '../shipment/payment.ts';
import type { Shipment } from '../shipment/events.ts';
import { applyButItsDay, takeRead } from '../upload/read-order.ts';
import type { TraceRequest } from '../wechat/receipt-calls.ts';
import type { Failed } from '../wechat/replies.ts';
import { reasonOf, waitOf } from './decide.ts';
import {
  afterQueries,
  afterTraceFailure,
  nextStep,
  notFollowed,
  parcelsOf,
  retryMs,
  seen,
} from './decide-trace.ts';
import { leaseMs, nowOf, type ReceiptOptions, type WorkDeps } from './deps.ts';
import { openPhone } from './phone.ts';
import { readCall, type Call } from './store.ts';
import { recordTrace } from './trace-store.ts';
import type { TraceAdvance, TracedParcel, TraceRow } from './trace-row.ts';

type Traced = { row: TraceRow; claimedAtMs: number };
type Result = { advance: TraceAdvance; calls: readonly Call[] };

/** One row: what it needs next. All of its calls are reads or may be made again, so a lost one costs nothing. Never rejects. */
export async function trace(
  deps: WorkDeps,
  options: ReceiptOptions,
  { row, claimedAtMs }: Traced,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = claimedAtMs + leaseMs(options) / 2;
  const work = { deps, options, row, allowed: () => takeRead(deps, row.appid, signal, untilMs) };
  try {
    const result = await workAt(work);
    if (result === null) return; // stopped: the lease runs out
    const recorded = await recordTrace(deps.pool, row, result.advance, result.calls);
    const { to, detail } = result.advance;
    const line = { appid: row.appid, payment: row.payment, state: to, recorded, detail };
    if (to === 'signed' || to === 'ended') deps.log.info(line, `trace.${to}`);
    else deps.log.debug(line, 'trace.postponed');
  } catch (error) {
    deps.log.warn({ appid: row.appid, payment: row.payment, err: messageOf(error) }, 'trace.failed');
  }
}

type Work = { deps: WorkDeps; options: ReceiptOptions; row: TraceRow; allowed: () => Promise<boolean> };

async function workAt(work: Work): Promise<Result | null> {
  const { deps, options, row } = work;
  const step = nextStep(row, options.trace.timing, nowOf(deps, options));
  switch (step.kind) {
    case 'advance':
      return { advance: step.advance, calls: [] };
    case 'follow':
      return follow(work, step.shipment);
    case 'query':
      return query(work);
  }
}

/** Has WeChat follow each parcel; the phone is opened for as long as that takes. */
async function follow(work: Work, shipment: Shipment): Promise<Result | null> {
  const { deps, options, row } = work;
  const parcels = parcelsOf(row, shipment);
  const ended = (detail: string, calls: readonly Call[] = []): Result => ({
    advance: { to: 'ended', detail, parcels },
    calls,
  });
  const secret = options.trace.secretOf(row.appid);
  const phone =
    secret === undefined ? null : openPhone({ appid: row.appid, secret }, row, row.sealedPhone ?? '');
  if (phone === null) return ended("the phone cannot be opened with this app's secret");
  if (!(await work.allowed())) return null;
  const read = await deps.wechat.getOrder({ appid: row.appid, key: orderKeyOf(row.payment) });
  const calls = readCall(read);
  if (read.kind !== 'order') {
    if (read.kind === 'failed') await applyButItsDay(deps, row.appid, read.outcome);
    return wait(work, parcels, calls, 'the read brought nothing');
  }
  const transactionId = read.order.transactionId ?? '';
  const refused = notFollowed(read.order);
  if (refused !== null) return ended(refused, calls);
  return followEach(work, { shipment, parcels, phone, transactionId, calls });
}

type Following = {
  shipment: Shipment;
  parcels: TracedParcel[];
  phone: string;
  transactionId: string;
  calls: Call[];
};

async function followEach(work: Work, following: Following): Promise<Result | null> {
  const { deps, options, row } = work;
  const { parcels, calls } = following;
  for (const [at, parcel] of parcels.entries()) {
    if (parcel.token !== null) continue;
    if (!(await work.allowed())) return wait(work, parcels, calls, 'stopped');
    const result = await deps.wechat.traceWaybill(requestOf(work, following, at));
    calls.push(
      ...callOf('trace', parcel, result, result.kind === 'failed' ? result.outcome.kind : 'accepted'),
    );
    if (result.kind === 'failed') {
      await applyButItsDay(deps, row.appid, result.outcome);
      return { advance: afterTraceFailure(row, parcels, result.outcome, nowOf(deps, options)), calls };
    }
    parcels[at] = { ...parcel, token: result.token };
  }
  const detail = 'WeChat follows the parcels, and the phone is forgotten';
  return { advance: { to: 'following', afterMs: waitOf(0, nowOf(deps, options)), detail, parcels }, calls };
}

function requestOf({ options, row }: Work, following: Following, at: number): TraceRequest {
  const { shipment, phone, transactionId } = following;
  const { tracking_no = '', express_company = '', item_desc = '' } = shipment.shipping_list[at] ?? {};
  return {
    appid: row.appid,
    openid: shipment.payer.openid,
    receiverPhone: phone,
    trackingNo: tracking_no,
    expressCompany: express_company,
    transactionId,
    goods: [{ name: item_desc, imageUrl: options.trace.imageUrl }],
    detailPath: options.trace.page,
  };
}

/** Asks where each parcel is that is not signed for. */
async function query(work: Work): Promise<Result | null> {
  const { deps, options, row } = work;
  const parcels = [...row.parcels];
  const calls: Call[] = [];
  for (const [at, parcel] of parcels.entries()) {
    if (parcel.signed_at !== null) continue;
    if (!(await work.allowed())) return null;
    const result = await deps.wechat.queryTrace(row.appid, parcel.token ?? '');
    const status = result.kind === 'parcel' ? result.status : undefined;
    calls.push(
      ...callOf('query', parcel, result, result.kind === 'failed' ? result.outcome.kind : 'accepted', status),
    );
    if (result.kind === 'failed') return whenUnanswered(work, parcels, calls, result);
    parcels[at] = seen(parcel, result.status, deps.clock().getTime());
  }
  return { advance: afterQueries(row, parcels, options.trace.timing, nowOf(deps, options)), calls };
}

async function whenUnanswered(
  { deps, options, row }: Work,
  parcels: TracedParcel[],
  calls: readonly Call[],
  { outcome }: Failed,
): Promise<Result> {
  await applyButItsDay(deps, row.appid, outcome);
  const afterMs = retryMs(row, outcome, nowOf(deps, options));
  return { advance: { to: 'following', afterMs, detail: reasonOf(outcome), parcels }, calls };
}

const wait = (
  { deps, options, row }: Work,
  parcels: TracedParcel[],
  calls: readonly Call[],
  detail: string,
): Result => ({
  advance: { to: 'waiting', afterMs: waitOf(row.waits, nowOf(deps, options)), detail, parcels },
  calls,
});

const callOf = (
  kind: Call['kind'],
  parcel: TracedParcel,
  { answer }: Pick<Call, 'answer'>,
  outcome: string,
  status?: number,
): Call[] =>
  answer.notSent === true ? [] : [{ kind, outcome, answer, trackingNo: parcel.tracking_no, status }];
