import { inTransaction, type Pool } from '../../db/client.ts';
import { monotonicMs, sleep, waitAtMost } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { createDoorbell, runLoop, type Doorbell, type StepResult } from '../loop.ts';
import type { Metrics } from '../metrics.ts';
import { decideFailure, type EndpointChange, type Failed, type Posted, type ProbeTiming } from './decide.ts';
import { bodyOf } from './message.ts';
import type { Post } from './post.ts';
import { headersOf } from './sign.ts';
import * as store from './store.ts';

export type SendDeps = {
  pool: Pool;
  post: Post['post'];
  log: Log;
  metrics: Metrics;
  nowMs: () => number;
  random: () => number;
  /** Rung when there are new answers. */
  doorbell?: Doorbell;
};
export type SendOptions = {
  instance: string;
  /** Of the address and secret that this instance began with. */
  fingerprint: string;
  /** Asked at every request: they change at SIGHUP. */
  keys: () => readonly Buffer[];
  window: number;
  timeoutMs: number;
  giveUpMs: number;
  probe: ProbeTiming;
  /** How long a stop waits for requests on the wire. */
  drainMs: number;
};
type Claimed = { row: store.Delivery; probe: boolean; untilMs: number };

/** What a request's own time has besides: for its record, and for clocks that differ. */
const marginMs = 30_000;
const idleMinMs = 100;
/** Another instance may have inserted: its doorbell rings there. */
const idleMaxMs = 1_000;
const recordRetryMs = 500;

/** Posts what waits until `signal` aborts and what is on the wire has ended. */
export async function runSend(deps: SendDeps, options: SendOptions, signal: AbortSignal): Promise<void> {
  const { log, metrics, doorbell = createDoorbell() } = deps;
  const cut = new AbortController();
  const inFlight = new Set<Promise<void>>();
  const step = async (): Promise<StepResult> => {
    const free = options.window - inFlight.size;
    if (free === 0) return 'idle';
    const rows = await claim(deps, options, free);
    for (const row of rows) {
      const sending = send(deps, options, row, cut.signal).finally(() => {
        inFlight.delete(sending);
        doorbell.ring();
      });
      inFlight.add(sending);
    }
    return rows.length > 0 && inFlight.size < options.window ? 'busy' : 'idle';
  };
  const waits = { idleMinMs, idleMaxMs, errorMinMs: idleMaxMs, errorMaxMs: 30_000 };
  const loop = { name: 'webhook.send', ...waits, log, heartbeats: metrics.heartbeats, doorbell };
  await runLoop(step, loop, signal);
  await waitAtMost(options.drainMs, Promise.all(inFlight));
  cut.abort();
  await Promise.all(inFlight);
}

async function claim({ pool, log }: SendDeps, options: SendOptions, limit: number): Promise<Claimed[]> {
  const leaseMs = options.timeoutMs + marginMs;
  const lost = await store.releaseLost(pool);
  if (lost > 0) log.warn({ rows: lost }, 'webhook.requests_lost');
  const gate = await store.readGate(pool);
  if (gate === 'shut') return [];
  const claimedAtMs = monotonicMs();
  const lease = { owner: options.instance, leaseMs };
  const rows =
    gate === 'open'
      ? await store.claimDue(pool, { ...lease, limit })
      : await inTransaction(pool, (tx) => store.claimProbe(tx, lease));
  return rows.map((row) => ({ row, probe: gate === 'probe', untilMs: claimedAtMs + leaseMs }));
}

/** One request and its record. Never rejects. */
async function send(deps: SendDeps, options: SendOptions, claimed: Claimed, cut: AbortSignal): Promise<void> {
  const { row, untilMs } = claimed;
  // A process that was stopped for long: another one has the row by now.
  if (monotonicMs() + options.timeoutMs > untilMs) return;
  const body = bodyOf(row);
  const timestampS = Math.floor(deps.nowMs() / 1_000);
  const headers = headersOf(options.keys(), { id: row.webhookId, timestampS, body });
  const posted = await deps.post(headers, body, cut);
  deps.metrics.webhookDeliveries.inc({ outcome: posted.kind });
  // What cannot be recorded comes to the shop again, under its id.
  while (monotonicMs() < untilMs)
    try {
      return await record(deps, options, claimed, posted);
    } catch (error) {
      deps.log.warn({ ...idsOf(row), err: messageOf(error) }, 'webhook.not_recorded');
      if (cut.aborted) return;
      await sleep(recordRetryMs, cut);
    }
}

async function record(deps: SendDeps, options: SendOptions, claimed: Claimed, posted: Posted): Promise<void> {
  const { pool, log } = deps;
  const { row } = claimed;
  if (posted.kind === 'aborted') {
    await store.recordWaiting(pool, row, { afterMs: 0, counts: false, detail: 'this instance was stopped' });
    return;
  }
  if (posted.kind !== 'taken') return recordFailed(deps, options, claimed, posted);
  const { recorded, recovered } = await store.recordTaken(pool, row);
  log.debug({ ...idsOf(row), status: posted.status, recorded }, 'webhook.delivered');
  if (recovered) log.info(idsOf(row), 'webhook.recovered');
}

async function recordFailed(
  { pool, log, random }: SendDeps,
  { fingerprint, giveUpMs, probe: timing }: SendOptions,
  { row, probe }: Claimed,
  failed: Failed,
): Promise<void> {
  const tried = { suspect: `${row.appid}/${row.payment}`, attempts: row.attempts, probe };
  const { detail } = failed;
  const decided = await inTransaction(pool, async (tx) => {
    const endpoint = await store.lockEndpoint(tx, fingerprint);
    const after =
      endpoint === null
        ? { row: { afterMs: 0, counts: false }, endpoint: null }
        : decideFailure(failed, tried, endpoint, { giveUpMs, random, probe: timing });
    await store.recordWaiting(tx, row, { ...after.row, detail });
    if (after.endpoint !== null) await store.recordEndpoint(tx, after.endpoint, detail);
    return after;
  });
  tell(log, row, { outcome: failed.kind, detail, wait: decided.row.afterMs, endpoint: decided.endpoint });
}

function tell(
  log: Log,
  row: store.Delivery,
  said: { outcome: string; detail: string; wait: number; endpoint: EndpointChange | null },
): void {
  const { outcome, detail, wait, endpoint } = said;
  const line = { ...idsOf(row), outcome, detail, retry_in_ms: wait };
  switch (endpoint?.to) {
    case undefined:
      return log.debug(line, 'webhook.not_taken');
    case 'suspected':
      return log.warn({ ...line, attempts: row.attempts + 1 }, 'webhook.not_taken');
    case 'failing':
      return log.warn({ ...line, failures: endpoint.failures }, 'webhook.failing');
    case 'paused':
      return log.error({ ...line, reason: endpoint.reason, remedy: pausedRemedy }, 'webhook.paused');
  }
}
export const pausedRemedy = 'mend what FAHUO_ACK_WEBHOOK_URL names, then run fahuo webhook resume';

const idsOf = ({ webhookId, appid, payment }: store.Delivery): object => ({
  webhook_id: webhookId,
  appid,
  payment,
});
