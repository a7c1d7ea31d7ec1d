import { sleep } from '../../src/clock.ts';
import type { Bench } from './bench-parts.ts';
import { head, median, percent, row, say, thousands } from './numbers.ts';
import { eventText, freshNumber, paymentOf } from './outbox-rows.ts';
import { drainRelay, lastOutboxId, serverMs, untilPublished } from './relay-drain.ts';

/** What ten minutes leave behind at sixty batches a second: versions of the cursor that the snapshot may still see. */
const cursorVersions = 36_000;

/** A transaction that holds its snapshot, and the dead versions that ten minutes of relaying pile up behind it. */
async function openSnapshot(bench: Bench): Promise<() => Promise<void>> {
  const old = await bench.pool.connect();
  await old.query('begin isolation level repeatable read');
  await old.query('select count(*) from fahuo.relay_cursor');
  await bench.pool.query(
    `do $$ begin for i in 1..${cursorVersions} loop
       update fahuo.relay_cursor set updated_at = clock_timestamp(); commit;
     end loop; end $$`,
  );
  return async () => {
    await old.query('commit');
    old.release();
    await bench.pool.query('vacuum fahuo.relay_cursor');
  };
}

/** A transaction that has written elsewhere in the same database. */
async function openStranger(bench: Bench): Promise<() => Promise<void>> {
  const stranger = await bench.pool.connect();
  await stranger.query('begin; create table if not exists public.elsewhere (n int)');
  await stranger.query('insert into public.elsewhere values (1)');
  return async () => {
    await stranger.query('rollback');
    stranger.release();
  };
}

/** How the relay fares while others hold transactions open. */
export async function benchHeld(
  bench: Bench,
  { events, rounds }: { events: number; rounds: number },
): Promise<void> {
  const relay = await bench.fahuo('relay', await bench.topic('held'));
  const drain = async (prefix: string): Promise<number> =>
    (await drainRelay(bench, relay.pid, { events, prefix })).rate;
  await drain('warm');
  head('drain while a transaction is open', 'none', 'open', 'of it');
  for (const [name, open] of [
    ['snapshot of ten minutes ago', openSnapshot],
    ['writer of another table', openStranger],
  ] as const) {
    const free: number[] = [];
    const held: number[] = [];
    for (let round = 0; round < rounds; round++) {
      free.push(await drain(`f${round}`));
      const close = await open(bench);
      held.push(await drain(`h${round}`));
      await close();
    }
    const share = median(held) / median(free);
    say(row(name, `${thousands(median(free))}/s`, `${thousands(median(held))}/s`, percent(share)));
  }
  await slowWriter(bench);
  await relay.stop();
}

/** The frontier waits for a writer that does not commit, and for nobody else. */
async function slowWriter(bench: Bench): Promise<void> {
  const heldMs = 3_000;
  const slow = await bench.pool.connect();
  const enqueue = 'select fahuo.enqueue($1)';
  const first = freshNumber();
  await slow.query('begin');
  await slow.query(enqueue, [eventText(`slow-${first}`, paymentOf(first))]);
  const before = await lastOutboxId(bench);
  for (let number = 1; number <= 1_000; number++)
    await bench.pool.query(enqueue, [eventText(`behind-${first + number}`, paymentOf(first + number))]);
  await sleep(heldMs);
  const { rows } = await bench.pool.query<{ cursor: number }>('select cursor from fahuo.relay_cursor');
  const waited = (rows[0]?.cursor ?? 0) < before;
  await slow.query('commit');
  slow.release();
  const committedMs = await serverMs(bench);
  const doneMs = await untilPublished(bench, await lastOutboxId(bench), 1);
  say(
    `\none writer of the outbox that does not commit for ${heldMs} ms: the 1,000 events behind it ` +
      `${waited ? 'wait' : 'DO NOT WAIT'}; all are published ${(doneMs - committedMs).toFixed(1)} ms after its commit`,
  );
}
