import type pg from 'pg';
import { connectAlone, type Queryable } from '../../db/client.ts';
import { copyOut, type CopySession } from '../../db/copy.ts';
import { pause } from '../clock.ts';
import { limitSilence, openEpoch, tryLock } from './store.ts';

/** A session that leads: while it lives nobody else does, and `lost` aborts when it ends. */
export type Leadership = {
  db: CopySession;
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
};

/** Longer than a garbage collection or a slow statement, short enough for a standby to be of use. */
const silenceMs = 5_000;
const sayEveryMs = 1_000;

/** Waits until this process leads the shard; null when `signal` aborted first. Rejects when the session ends. */
export async function awaitLeadership(
  options: LeaderOptions,
  signal: AbortSignal,
): Promise<Leadership | null> {
  const client = await connectAlone(options.databaseUrl, 'fahuo-relay');
  const lost = new AbortController();
  client.on('error', () => lost.abort());
  client.on('end', () => lost.abort());
  const release = async (): Promise<void> => {
    lost.abort();
    await client.end().catch(() => undefined);
  };
  try {
    await limitSilence(client, silenceMs);
    while (!(await tryLock(client, options.shard))) {
      await pause(options.standbyPollMs, signal);
      if (signal.aborted) return await release().then(() => null);
    }
    const { cursor, epoch } = await openEpoch(client, { shard: options.shard, owner: options.instance });
    const db = oneByOne(client);
    void keepSaying(db, lost.signal);
    return { db, cursor, epoch, lost: lost.signal, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** The session reads ahead, moves the cursor and says that it lives, all at once: its statements queue here. */
function oneByOne(client: pg.Client): CopySession {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const result = last.then(run);
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

/** A send that takes long must not look like a leader that is gone. */
async function keepSaying(db: Queryable, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(sayEveryMs, signal);
    await db.query('select 1').catch(() => undefined);
  }
}
