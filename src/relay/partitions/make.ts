import { messageOf } from '../../errors.ts';
import type { MaintenanceDeps } from '../deps.ts';
import { repairRemedy } from '../remedies.ts';
import { readLastId } from '../snapshot-store.ts';
import { missingPartitions } from './decide.ts';
import { hasDefaultRows, makePartition, readPartitions } from './store.ts';

/** Failing is an alarm, not a stop: the default partition takes what has no other. */
export async function makeAhead({ pool, log, metrics }: MaintenanceDeps): Promise<void> {
  let failed = 0;
  const present = await readPartitions(pool);
  for (const partition of missingPartitions(present, await readLastId(pool))) {
    await makePartition(pool, partition)
      .then(() => log.info({ partition: partition.name }, 'outbox.partition_made'))
      .catch((error: unknown) => {
        failed += 1;
        log.error({ partition: partition.name, err: messageOf(error) }, 'outbox.partition_not_made');
      });
  }
  const defaultRows = await hasDefaultRows(pool);
  metrics.relayPartitionsMissing.set(failed);
  metrics.relayDefaultRows.set(defaultRows ? 1 : 0);
  if (defaultRows) log.error({ remedy: repairRemedy }, 'outbox.default_has_rows');
}
