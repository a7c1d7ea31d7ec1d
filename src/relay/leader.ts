import type pg from 'pg';
import { connectAlone, cutConnection, trustedPath, type Queryable } from '../../db/client.ts';
import { copyOut, type CopySession } from '../../db/copy.ts';
import { sleep, waitAtMost } from '../clock.ts';
import { sequenceFault, type SequenceFault } from './sequence.ts';
import { prepareSnapshot, readPosition } from './snapshot-store.ts';
import { commitLazily, limitSilence, openEpoch, tryLock } from './leader-store.ts';

/** A session that leads: while it lives nobody else does, and `lost` aborts when it ends. */
export type Leadership = {
  db: CopySession;
  /** A second session, for the cursor: its commits wait for the disk, and snapshots must not wait behind them. */
  writer: Queryable;
  cursor: number;
  epoch: number;
  lost: AbortSignal;
  release: () => Promise<void>;
};

export type LeaderOptions = {
  databaseUrl: string;
  shard: number;
  instance: string;
  standbyPollMs: number;
  /** Called at each try of a standby. */
  onStandby?: () => void;
  /** Called whenever the sequence stands behind the cursor, which keeps this process from leading. */
  onSequenceBehind: (fault: SequenceFault) => void;
};

/** Longer than a garbage collection or a slow statement, short enough for a standby to be of use. */
const silenceMs = 5_000;
const keepAliveEveryMs = 1_000;
const sequencePollMs = 1_000;
const endsWithinMs = 1_000;
/** No statement of a relay takes this long; a server that is gone without a word would be waited for a quarter of an hour. */
const answerWithinMs = 10_000;

/** Waits until this process leads the shard; null when `signal` aborted first. Rejects when the session ends. */
export async function awaitLeadership(
  options: LeaderOptions,
  signal: AbortSignal,
): Promise<Leadership | null> {
  const lost = new AbortController();
  const sessions: pg.Client[] = [];
  const open = async (): Promise<CopySession> => {
    const client = await connectAlone(options.databaseUrl, 'fahuo-relay', trustedPath);
    sessions.push(client);
    client.on('error', () => lost.abort());
    client.on('end', () => lost.abort());
    return oneByOne(client, () => {
      lost.abort();
      cutConnection(client);
    });
  };
  const release = async (): Promise<void> => {
    lost.abort();
    await waitAtMost(endsWithinMs, Promise.allSettled(sessions.map((client) => client.end())));
    for (const client of sessions) cutConnection(client); // a server that is gone never says goodbye
  };
  try {
    const db = await open();
    await limitSilence(db, silenceMs);
    await prepareSnapshot(db);
    while (!(await tryLock(db, options.shard))) {
      options.onStandby?.();
      await sleep(options.standbyPollMs, signal);
      if (signal.aborted) return await release().then(() => null);
    }
    if (!(await sequenceIsAhead(db, options, signal))) return await release().then(() => null);
    const { cursor, epoch } = await openEpoch(db, { shard: options.shard, owner: options.instance });
    const writer = await open();
    await commitLazily(writer);
    void keepAlive(db, lost.signal);
    return { db, writer, cursor, epoch, lost: lost.signal, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * Waits, under the lock, until ids are drawn beyond the cursor: what is written behind it would never be published, and
 * nothing would say so. False when `signal` aborted first. Goes on by itself when somebody has set the sequence.
 */
async function sequenceIsAhead(
  db: Queryable,
  { shard, onSequenceBehind }: LeaderOptions,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const fault = sequenceFault(await readPosition(db, shard));
    if (fault === null) return true;
    onSequenceBehind(fault);
    await sleep(sequencePollMs, signal);
  }
  return false;
}

/**
 * The leader reads ahead and keeps its session alive at once: the statements of one session queue here. A statement that
 * is not answered in time calls `onSilence`, which makes it and those behind it reject.
 */
function oneByOne(client: pg.Client, onSilence: () => void): CopySession {
  let last: Promise<unknown> = Promise.resolve();
  const watched = async <T>(run: () => Promise<T>): Promise<T> => {
    const patience = setTimeout(onSilence, answerWithinMs);
    return run().finally(() => clearTimeout(patience));
  };
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const result = last.then(() => watched(run));
    last = result.catch(() => undefined);
    return result;
  };
  const query = (...args: unknown[]): Promise<unknown> =>
    inTurn(() => (client.query as (...given: unknown[]) => Promise<unknown>).apply(client, args));
  return {
    query: query as Queryable['query'],
    copyOut: (sql, onRow) => inTurn(() => copyOut(client, sql, onRow)),
  };
}

/** Without this a send that takes long would pass for a leader that is gone. */
async function keepAlive(db: Queryable, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(keepAliveEveryMs, signal);
    await db.query('select 1').catch(() => undefined);
  }
}
