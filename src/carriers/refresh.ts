import { inTransaction, type Pool } from '../../db/client.ts';
import { readPauses } from '../apps/pause-store.ts';
import type { Log } from '../log.ts';
import { runLoop } from '../loop.ts';
import { aliasesOf } from '../shipment/carrier-aliases.ts';
import { cutText, storable } from '../text.ts';
import type { Answer } from '../wechat/answer.ts';
import type { WechatClient } from '../wechat/client.ts';
import { decideList } from './decide.ts';
import { askGapMs } from './list.ts';
import * as store from './store.ts';

/**
 * WeChat's carriers → fahuo.carrier, which the SQL door reads and the consumers follow.
 *
 * I1 One instance asks, whoever wants it: the statement that notes the asking picks it.
 * I2 An id is never removed, and an answer that is odd changes nothing (decide.ts).
 */
export type RefreshDeps = { pool: Pool; log: Log; wechat: WechatClient; random: () => number };

export type Refreshed =
  { kind: 'refreshed'; added: string[]; renamed: string[] } | { kind: 'kept'; why: string };

const everyMs = 86_400_000;
/** How soon an instance hears that a consumer wants the list. */
const lookEveryMs = 1_000;
const maxApps = 3;
const maxFailure = 300;

/** Keeps the list fresh until `signal` aborts. */
export const keepCarriers = (
  deps: RefreshDeps,
  apps: { appids: () => readonly string[] },
  signal: AbortSignal,
): Promise<void> =>
  runLoop(
    async () => {
      if (await store.takeAsking(deps.pool, { everyMs, retryMs: askGapMs }))
        await refresh(deps, apps.appids(), signal);
      return 'idle';
    },
    {
      name: 'carriers',
      idleMinMs: lookEveryMs,
      idleMaxMs: lookEveryMs,
      errorMinMs: lookEveryMs,
      errorMaxMs: 30_000,
      log: deps.log,
    },
    signal,
  );

/** At once, by a person's word. */
export async function refreshNow(
  deps: RefreshDeps,
  appids: readonly string[],
  signal: AbortSignal,
): Promise<Refreshed> {
  await store.noteAsking(deps.pool);
  return refresh(deps, appids, signal);
}

/** Asks as one app after the other, since a list is the same for all; three at most. Paused apps make no calls. */
async function refresh(
  deps: RefreshDeps,
  appids: readonly string[],
  signal: AbortSignal,
): Promise<Refreshed> {
  const paused = (await readPauses(deps.pool)).filter(({ endpoint }) => endpoint === '*');
  const able = appids.filter((appid) => paused.every((pause) => pause.appid !== appid));
  const first = Math.floor(deps.random() * able.length);
  let result: Refreshed = { kind: 'kept', why: 'no app may call WeChat: all are paused' };
  for (const appid of [...able.slice(first), ...able.slice(0, first)].slice(0, maxApps)) {
    result = await askAs(deps, appid, signal);
    if (result.kind === 'refreshed') break;
  }
  if (result.kind === 'kept' && !signal.aborted) {
    deps.log.warn({ err: result.why, retry_in_ms: askGapMs }, 'carriers.not_refreshed');
    await store.saveAnswered(deps.pool, storable(cutText(result.why, maxFailure)));
  }
  return result;
}

async function askAs(
  { pool, log, wechat }: RefreshDeps,
  appid: string,
  signal: AbortSignal,
): Promise<Refreshed> {
  const asked = await wechat.getDeliveryList(appid, signal);
  if (asked.kind === 'failed') return { kind: 'kept', why: describeAnswer(asked.answer) };
  const known = await store.readCarriers(pool);
  const decided = decideList(known, asked.entries);
  if (decided.kind === 'keep') return { kind: 'kept', why: `WeChat's list is odd: ${decided.why}` };
  const { changed, passedOver } = decided;
  await inTransaction(pool, async (tx) => {
    if (changed.length > 0)
      await store.saveCarriers(
        tx,
        changed,
        changed.flatMap(([id, name]) => aliasesOf(id, name)),
      );
    await store.saveAnswered(tx, null);
  });
  const ids = changed.map(([id]) => id);
  const added = ids.filter((id) => !known.has(id));
  const renamed = ids.filter((id) => known.has(id));
  log.info(
    { appid, listed: asked.entries.length, added, renamed: renamed.length, passed_over: passedOver },
    'carriers.refreshed',
  );
  return { kind: 'refreshed', added, renamed };
}

const describeAnswer = ({ errcode, errmsg, failure }: Answer): string =>
  errcode === null
    ? `WeChat does not answer (${failure ?? 'no body that could be read'})`
    : errcode === 0
      ? 'WeChat answers without a list'
      : `WeChat answers ${errcode} ${errmsg ?? ''}`.trimEnd();
