import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { inTransaction } from '../../../db/client.ts';
import { FahuoError, messageOf } from '../../errors.ts';
import { enqueue } from '../../outbox/enqueue.ts';
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
          for await (const { line, number } of linesOf(file ?? '-'))
            written.push(await enqueue(tx, parse(line, number), consumer));
          return written;
        }),
      );
      answer(json, { enqueued: ids.length, ids }, () => `${ids.length} events enqueued.`);
    });
}

async function* linesOf(file: string): AsyncGenerator<{ line: string; number: number }> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() !== '') yield { line, number };
  }
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new FahuoError('EVENT_INVALID', `line ${number} is not JSON: ${messageOf(cause)}`, { cause });
  }
}
