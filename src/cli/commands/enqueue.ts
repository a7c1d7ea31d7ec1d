import type { Command } from 'commander';
import { inTransaction } from '../../../db/client.ts';
import { FahuoError, messageOf } from '../../errors.ts';
import {
  enqueue,
  enqueueCombined,
  type EnqueueOptions,
  type OutboxTransaction,
} from '../../outbox/enqueue.ts';
import { isCombined } from '../../shipment/contract.ts';
import { fileLines } from '../event-file.ts';
import { answer } from '../output.ts';
import { withDatabase } from '../session.ts';

export function addEnqueue(program: Command): void {
  program
    .command('enqueue [file]')
    .description('write events (one JSON object a line) into the outbox, all or none; - reads standard input')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExamples:\n  $ fahuo enqueue events.ndjson\n  $ echo "$EVENT" | fahuo enqueue -')
    .action(async (file: string | undefined, { json }: { json?: boolean }) => {
      const ids = await withDatabase({ max: 2 }, ({ pool, config: { consumer } }) =>
        inTransaction(pool, async (tx) => {
          const written: number[] = [];
          for await (const { line, number } of fileLines(file ?? '-'))
            written.push(...(await enqueueLine(tx, parse(line, number), consumer).catch(refusedAt(number))));
          return written;
        }),
      );
      answer(
        json,
        { enqueued: ids.length, ids },
        () => `${ids.length} ${ids.length === 1 ? 'event' : 'events'} enqueued.`,
      );
    });
}

async function enqueueLine(
  tx: OutboxTransaction,
  event: unknown,
  options: EnqueueOptions,
): Promise<number[]> {
  if (!isCombined(event)) return [await enqueue(tx, event, options)];
  return (await enqueueCombined(tx, event, options)).map(({ outboxId }) => outboxId);
}

const uniqueViolation = '23505';

/** What the door raises over an id or a version that is used is the writer's to mend, and no failure of ours. */
const refusedAt =
  (number: number) =>
  (error: unknown): never => {
    const { code } = Object(error) as { code?: unknown };
    if (code !== uniqueViolation) throw error;
    throw new FahuoError('EVENT_INVALID', `line ${number}: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Nothing was written. Give other content a new id and the next version, or none.',
    });
  };

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new FahuoError('EVENT_INVALID', `line ${number} is not JSON: ${messageOf(cause)}`, {
      cause,
      remedy: 'Write one event a line; `fahuo check FILE` takes one that spans lines as well.',
    });
  }
}
