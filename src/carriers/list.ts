import type { Queryable } from '../../db/client.ts';
import { sleep } from '../clock.ts';
import type { CarrierIds } from '../shipment/combinations.ts';
import { isCarrierId } from './decide.ts';
import * as store from './store.ts';

/** The carriers of the database, as they were last read: what the SQL door takes. */
export type CarrierList = CarrierIds & {
  /**
   * Whether any of these ids, which the list does not have, is known after all: by the database, or by WeChat, which an
   * instance with apps is asked to ask. That is wanted once in ten minutes, and waited for three seconds; then the last
   * good list decides. Rejects when the database is away, and when `signal` aborts: then nothing is decided.
   */
  ask: (ids: readonly string[], signal: AbortSignal) => Promise<boolean>;
};

export const askGapMs = 600_000;
const waitMs = 3_000;
const lookEveryMs = 100;

export async function openCarrierList(db: Queryable): Promise<CarrierList> {
  let held = await readList(db);
  const follow = async (): Promise<void> => {
    if ((await store.readVersion(db)) !== held.version) held = await readList(db);
  };
  return {
    has: (id) => held.carriers.has(id),
    called: (alias) => held.aliases.get(alias) ?? [],
    ask: async (ids, signal) => {
      await follow();
      const unknown = ids.filter((id) => isCarrierId(id) && !held.carriers.has(id));
      if (unknown.length > 0) {
        await store.wantCarriers(db, askGapMs);
        await untilAnswered(db, signal);
        await follow();
      }
      return ids.some((id) => held.carriers.has(id));
    },
  };
}

/** The version first: what changes meanwhile is read once more. */
async function readList(db: Queryable) {
  const version = await store.readVersion(db);
  return { version, carriers: await store.readCarriers(db), aliases: await store.readAliases(db) };
}

/** Counted as well as timed: the database's clock may be set back. */
async function untilAnswered(db: Queryable, signal: AbortSignal): Promise<void> {
  for (let looks = 0; looks < waitMs / lookEveryMs && (await store.isAwaited(db, waitMs)); looks += 1) {
    signal.throwIfAborted();
    await sleep(lookEveryMs, signal);
  }
  signal.throwIfAborted();
}
