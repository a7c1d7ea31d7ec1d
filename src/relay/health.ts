import type { Queryable } from '../../db/client.ts';
import { hasDefaultRows, hasRows, readDetached } from './partitions/store.ts';
import { detachedRemedy, parkedRemedy, repairRemedy, sequenceRemedy } from './remedies.ts';
import { planRepair } from './repair-store.ts';
import { describeFault, sequenceFault } from './sequence.ts';
import { readStatus } from './status-store.ts';
import { readPosition } from './snapshot-store.ts';

/** What is wrong with the outbox, and what to do; null where nothing is. */
export type OutboxCheck = { check: string; problem: { what: string; remedy: string } | null };

/** For `fahuo doctor`. Reads the journal and the outbox behind the cursor: some seconds for 20 million rows. */
export async function checkOutbox(db: Queryable, shard: number): Promise<OutboxCheck[]> {
  const fault = sequenceFault(await readPosition(db, shard));
  const defaultRows = await hasDefaultRows(db);
  const { passedOver, movedRows } = await planRepair(db);
  const { parkedRows, parkedSince } = await readStatus(db, shard);
  const detached = [];
  for (const table of await readDetached(db)) if (await hasRows(db, table.name)) detached.push(table);
  const [first] = detached;
  return [
    {
      check: 'outbox sequence',
      problem: fault && { what: describeFault(fault), remedy: sequenceRemedy(fault) },
    },
    {
      check: 'outbox rows published',
      problem: found(
        passedOver > 0,
        `${passedOver} rows behind the cursor were never published`,
        repairRemedy,
      ),
    },
    {
      check: 'outbox tables',
      problem:
        first === undefined
          ? found(defaultRows || movedRows > 0, 'rows stand in the default partition', repairRemedy)
          : { what: `${first.name} has rows and is detached`, remedy: detachedRemedy(first) },
    },
    {
      check: 'outbox parked',
      problem: found(
        parkedRows > 0,
        `${parkedRows} rows are parked since ${parkedSince ?? '?'}`,
        parkedRemedy,
      ),
    },
  ];
}

const found = (is: boolean, what: string, remedy: string): OutboxCheck['problem'] =>
  is ? { what, remedy } : null;
