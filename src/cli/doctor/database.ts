import type { Pool } from '../../../db/client.ts';
import { describeAge, refreshRemedy } from '../../carriers/age.ts';
import { readCarrierState } from '../../carriers/store.ts';
import { missingRights, prefetchedIds } from '../../console/doctor-store.ts';
import { messageOf } from '../../errors.ts';
import { checkOutbox } from '../../relay/health.ts';
import { missingPartitions } from '../../relay/partitions/decide.ts';
import { hasDefaultRows, partitionIds, readPartitions } from '../../relay/partitions/store.ts';
import { readLastId } from '../../relay/snapshot-store.ts';
import { openPool } from '../../roles/services.ts';
import { pausedRemedy } from '../../webhook/send.ts';
import { readWebhookHealth } from '../../webhook/status-store.ts';
import { examine, finding, type Check, type Doctor } from './check.ts';

/** The pool for the other checks, null where Postgres is not reached. */
export async function checkDatabase({
  config,
  log,
  opened,
}: Doctor): Promise<{ pool: Pool | null; checks: Check[] }> {
  let pool: Pool | null = null;
  const reached = await examine('postgres', async () => {
    pool = opened.add('postgres', await openPool(config, log, { max: 2 }), (it) => it.end());
    return 'reached, schema fahuo is there';
  });
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by the check
  if (pool === null) return { pool, checks: [reached] };
  const db: Pool = pool;
  const checks = [
    await examine('rights', () => checkRights(db)),
    await examine('outbox ids', () => checkSequence(db)),
    await examine('outbox partitions', () => checkPartitions(db)),
    await examine('carriers', () => checkCarriers(db)),
    ...(config.webhook.url === undefined ? [] : [await examine('webhook', () => checkWebhook(db))]),
  ];
  return { pool, checks: [reached, ...checks, ...(await checkRelay(db))] };
}

async function checkWebhook(db: Pool): Promise<string> {
  const health = await readWebhookHealth(db);
  if (health === null) return 'nothing was posted yet: the role webhook has not run';
  const { origin, waiting, failingSince, pausedAt, reason } = health;
  const why = reason ?? 'nothing is known of why';
  if (pausedAt !== null)
    throw finding(`paused since ${pausedAt.toISOString()}: ${why}`, `Please ${pausedRemedy}.`);
  if (failingSince !== null)
    throw finding(
      `${origin} has failed since ${failingSince.toISOString()}: ${why}`,
      'Mend what it names; it goes on by itself.',
    );
  return `${origin}, ${waiting} answers wait`;
}

async function checkRelay(db: Pool): Promise<Check[]> {
  try {
    return (await checkOutbox(db, 0)).map(({ check, problem }) => ({
      check,
      ok: problem === null,
      detail: problem === null ? 'sound' : `${problem.what}. ${problem.remedy}`,
    }));
  } catch (error) {
    return [{ check: 'outbox', ok: false, detail: messageOf(error) }];
  }
}

async function checkRights(db: Pool): Promise<string> {
  const missing = await missingRights(db);
  if (missing.length === 0) return 'this login may do what `fahuo run` does';
  const shown = `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}`;
  throw finding(
    `this login lacks ${shown}`,
    'Run `grant fahuo_service to LOGIN` as the owner of the schema.',
  );
}

async function checkSequence(db: Pool): Promise<string> {
  const cached = await prefetchedIds(db);
  if (cached > 1)
    throw finding(
      `fahuo.outbox_id_seq has CACHE ${cached}: the relay would lose rows`,
      'Run `alter sequence fahuo.outbox_id_seq cache 1`.',
    );
  return 'drawn inside the insert, one by one';
}

/** The relay makes two ahead; one is missing for some seconds after a jump of the sequence, and never the very next. */
async function checkPartitions(db: Pool): Promise<string> {
  const lastId = await readLastId(db);
  const next = missingPartitions(await readPartitions(db), lastId).find(
    ({ from }) => from <= lastId + partitionIds,
  );
  if (next !== undefined)
    throw finding(
      `${next.name} is not made: its rows would go to the default partition`,
      'Run the role relay; its log line outbox.partition_not_made says what stops it.',
    );
  if (await hasDefaultRows(db))
    throw finding(
      'rows stand in the default partition',
      'See docs/operations.md, "Rows in the default partition".',
    );
  return 'made ahead';
}

async function checkCarriers(db: Pool): Promise<string> {
  const state = await readCarrierState(db);
  const old = describeAge(state);
  if (old !== null) throw finding(old, refreshRemedy);
  return `${state.carriers} known, ${state.refreshedAt === null ? 'as fahuo came with them' : 'as WeChat listed them this week'}`;
}
