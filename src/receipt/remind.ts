import { monotonicMs } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { orderKeyOf } from '../shipment/payment.ts';
import { applyButItsDay, takeRead } from '../upload/read-order.ts';
import type { NotifyResult } from '../wechat/receipt-calls.ts';
import { decideAfterSend, decideBeforeSend, decideUnknown, waitForUpload } from './decide.ts';
import { callWithinMs, leaseMs, nowOf, persist, type ReceiptOptions, type WorkDeps } from './deps.ts';
import type { Advance, BeforeSend, ReceiptRow } from './row.ts';
import { markSending, readCall, recordLook, recordSent, type Call, type Recorded } from './store.ts';

type Claimed = { row: ReceiptRow; claimedAtMs: number };

/** One row: a look, and where it says so the call. Never rejects. */
export async function remind(
  deps: WorkDeps,
  options: ReceiptOptions,
  claimed: Claimed,
  signal: AbortSignal,
): Promise<void> {
  const { row } = claimed;
  try {
    if (row.state === 'pending' && row.uploadUnfinished)
      return await look(deps, row, waitForUpload(row, nowOf(deps, options)), []);
    await readAndSend(deps, options, claimed, signal);
  } catch (error) {
    // The row comes back when its lease, or the time for its call, has run out.
    deps.log.warn({ ...idsOf(row), err: messageOf(error) }, 'receipt.failed');
  }
}

async function readAndSend(
  deps: WorkDeps,
  options: ReceiptOptions,
  { row, claimedAtMs }: Claimed,
  signal: AbortSignal,
): Promise<void> {
  if (!(await takeRead(deps, row.appid, signal, claimedAtMs + leaseMs(options) / 3))) return;
  const read = await deps.wechat.getOrder({ appid: row.appid, key: orderKeyOf(row.payment) });
  if (read.kind === 'failed') await applyButItsDay(deps, row.appid, read.outcome);
  const now = nowOf(deps, options);
  const decided: BeforeSend =
    row.state === 'unknown' ? decideUnknown(row, read, now) : decideBeforeSend(row, read, now);
  const calls = readCall(read);
  if (decided.to !== 'send') return look(deps, row, decided, calls);
  if (!(await takeRead(deps, row.appid, signal, claimedAtMs + leaseMs(options) / 2))) return;
  await send(deps, options, { row, transactionId: decided.transactionId, calls, signal });
}

type Sending = { row: ReceiptRow; transactionId: string; calls: readonly Call[]; signal: AbortSignal };

/** A database that is away for longer leaves the row to be unknown. */
const recordForMs = 300_000;

/** The intent is on disk before the call; what cannot be recorded afterwards is unknown when its time is over. */
async function send(
  deps: WorkDeps,
  options: ReceiptOptions,
  { row, transactionId, calls, signal }: Sending,
): Promise<void> {
  const withinMs = callWithinMs(options);
  const beganMs = monotonicMs();
  const marked = await markSending(deps.pool, row, { transactionId, withinMs });
  if (marked === 'twin') return look(deps, row, twin, calls);
  if (marked === 'stale') return;
  const mayCall = (): boolean =>
    monotonicMs() < beganMs + withinMs - options.callTimeoutMs - options.marginMs / 5;
  const result = await deps.wechat.notifyConfirmReceive({
    appid: row.appid,
    key: orderKeyOf(transactionId),
    receivedTime: Math.floor(row.receivedAtMs / 1000),
    mayCall,
  });
  const decided = decideAfterSend(row, result, nowOf(deps, options));
  const recorded = await persist(deps, { forMs: recordForMs, signal }, () =>
    recordSent(deps.pool, row, decided, [...calls, ...notifyCall(result)]),
  );
  logOutcome(deps, row, decided, recorded ?? 'stale');
  await applyButItsDay(deps, row.appid, result.outcome);
}

const twin: Advance = {
  to: 'rejected',
  detail: 'the payment has a reminder already, under its other name',
};

async function look(
  deps: WorkDeps,
  row: ReceiptRow,
  advance: Advance,
  calls: readonly Call[],
): Promise<void> {
  logOutcome(deps, row, advance, await recordLook(deps.pool, row, advance, calls));
}

function logOutcome({ log, metrics }: WorkDeps, row: ReceiptRow, advance: Advance, recorded: Recorded): void {
  const line = { ...idsOf(row), state: advance.to, recorded, detail: advance.detail };
  if (recorded === 'done' && advance.to !== row.state) metrics.receiptTransitions.inc({ state: advance.to });
  const waits = advance.to === 'pending' || (advance.to === 'unknown' && row.state === 'unknown');
  if (waits) log.debug(line, 'receipt.postponed');
  else if (advance.to === 'acknowledged' || advance.to === 'moot') log.info(line, `receipt.${advance.to}`);
  else log.warn(line, `receipt.${advance.to}`);
}

const idsOf = (row: ReceiptRow): object => ({ appid: row.appid, payment: row.payment, receipt_id: row.id });

const notifyCall = ({ outcome, answer }: NotifyResult): Call[] =>
  answer.notSent === true ? [] : [{ kind: 'notify', outcome: outcome.kind, answer }];
