import { inTransaction, type Connection } from '../../db/client.ts';
import { FahuoError } from '../errors.ts';
import type { AdoptDeps } from './deps.ts';
import { namesOf, planLook, type Plan } from './look.ts';
import { readParts } from './read-parts.ts';
import type { Key } from './shop.ts';
import * as store from './store.ts';

/** When the shop touched a key, and what of a payment is left out of a backfill. */
export type LookOptions = {
  touchedAtMs: (key: Key) => number;
  /** Of a walk over old orders. */
  backfill?: boolean;
  /** Its events ask WeChat first, and are not sent where it shows the payment as shipped. */
  readFirst?: boolean;
  /** Done in the transaction of what follows. */
  also?: (tx: Connection, plan: Plan) => Promise<void>;
};

type Looker = Pick<AdoptDeps, 'pool' | 'log' | 'shop' | 'file' | 'carriers' | 'newId' | 'random'>;

/** More than a backfill beside the role ever needs. */
const maxTries = 10;

/**
 * Looks at these keys, and writes what follows, all of it or nothing.
 *
 * Two may look at the same payment at once: the role, and a backfill. Whoever finds at its write that the other has written
 * of a payment since the parts were read begins anew, so parts never overwrite what newer parts said (P3).
 * @throws FahuoError ADOPT_QUERY_BROKEN where the parts query fails whatever the keys are. Nothing is written then.
 */
export async function lookAt(deps: Looker, keys: readonly Key[], options: LookOptions): Promise<Plan> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const seen = await store.readWrites(deps.pool, deps.file.name);
    const plan = await planFor(deps, keys, options);
    if (plan.events.length > 0) await deps.shop.flush();
    if (await writeUnlessOvertaken(deps, { plan, seen, options })) return plan;
  }
  throw new FahuoError(
    'ADOPT_BUSY',
    `others wrote of the same payments of the shop ${deps.file.name} ${maxTries} times while this look went on`,
  );
}

/** As many transactions at once: most of the time of one goes to the door, in one session of Postgres. */
const lanes = 2;

/**
 * {@link lookAt} for many keys: some at a time, side by side; what each led to. Throws the first failure when all have ended.
 */
export async function lookAtAll(deps: Looker, keys: readonly Key[], options: LookOptions): Promise<Plan[]> {
  const share = Math.max(1, Math.ceil(keys.length / lanes));
  const parts = Array.from({ length: lanes }, (_, lane) => keys.slice(lane * share, (lane + 1) * share));
  const results = await Promise.allSettled(
    parts.filter((part) => part.length > 0).map((part) => lookAt(deps, part, options)),
  );
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** What would be written; changes nothing. */
export async function planFor(
  { pool, shop, file, carriers, newId, random }: Looker,
  keys: readonly Key[],
  { touchedAtMs, backfill = false }: LookOptions,
): Promise<Plan> {
  const looked = await readParts(shop, file, keys);
  if (looked.kind === 'broken')
    throw new FahuoError('ADOPT_QUERY_BROKEN', `the parts query of ${file.name} fails: ${looked.message}`);
  const known = await store.readKnown(pool, file.name, namesOf(looked.parts));
  const before = await store.readKeys(pool, file.name, keys);
  return planLook(keys, looked, { file, carriers, known, before, touchedAtMs, backfill, newId, random });
}

type Write = { plan: Plan; seen: number; options: LookOptions };

/** Ends the transaction of a look whose payments somebody else wrote of meanwhile. */
const overtaken = new FahuoError('ADOPT_BUSY', 'overtaken');

async function writeUnlessOvertaken(deps: Looker, of: Write): Promise<boolean> {
  try {
    await inTransaction(deps.pool, (tx) => write(tx, deps, of));
  } catch (error) {
    if (error === overtaken) return false;
    throw error;
  }
  const { events, keys } = of.plan;
  if (events.length > 0)
    deps.log.info({ shop: deps.file.name, events: events.length, keys: keys.length }, 'adopt.looked');
  return true;
}

/**
 * The door first, which takes most of the time; then the source's row is locked until the commit.
 * @throws `overtaken`, so that nothing is written, where somebody else wrote of these payments meanwhile.
 */
async function write(tx: Connection, { file }: Looker, { plan, seen, options }: Write): Promise<void> {
  const said = await sayEvents(tx, plan);
  const number = await store.beginWrite(tx, file.name);
  const payments = [...said, ...plan.payments];
  if (await store.isOvertaken(tx, file.name, { names: payments, seen })) throw overtaken;
  const readFirst = options.readFirst ?? false;
  await store.savePayments(tx, { source: file.name, write: number, readFirst }, payments);
  await store.saveKeys(tx, file.name, plan.keys);
  await options.also?.(tx, plan);
}

/** The payments' rows, with the version that the door gave; held where the door refuses what the contract here took. */
async function sayEvents(tx: Connection, { events }: Plan): Promise<store.PaymentRow[]> {
  const versions = await store.offerEvents(
    tx,
    events.map(({ text }) => text),
  );
  return Promise.all(
    events.map(async ({ eventId, row }, index) => {
      const version = versions[index] ?? null;
      if (version !== null) return { ...row, version };
      const detail = await store.readRefusal(tx, eventId);
      return { ...row, said: null, state: 'held' as const, reason: 'contract', detail };
    }),
  );
}
