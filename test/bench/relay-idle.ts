import { sleep } from '../../src/clock.ts';
import type { Bench } from './bench-parts.ts';
import { usageOf } from './child.ts';
import { head, row, say } from './numbers.ts';

/** What relay and consumer cost while nothing happens. A statement outside a transaction is a transaction here. */
export async function benchIdle(bench: Bench, seconds: number): Promise<void> {
  const fahuo = await bench.fahuo('relay,consume', await bench.topic('idle'));
  await sleep(10_000);
  const transactions = async (): Promise<number> => {
    const { rows } = await bench.pool.query<{ n: number }>(
      `select (xact_commit + xact_rollback)::float8 as n from pg_stat_database where datname = current_database()`,
    );
    return rows[0]?.n ?? 0;
  };
  // Sessions report their counts at most once a second; the server's own workers add a few a minute.
  const before = { n: await transactions(), cpuUs: usageOf(fahuo.pid).cpuUs, server: serverCpu(bench) };
  await sleep(seconds * 1_000);
  const after = { n: await transactions(), cpuUs: usageOf(fahuo.pid).cpuUs, server: serverCpu(bench) };
  const ofCore = (us: number): string => `${((100 * us) / (seconds * 1e6)).toFixed(2)} %`;
  head(`idle, ${seconds} s`, 'of a core');
  say(row('relay and consumer', ofCore(after.cpuUs - before.cpuUs)));
  say(row("Postgres, the relay's session", ofCore((await after.server) - (await before.server))));
  say(row('statements a second', ((after.n - before.n - 1) / seconds).toFixed(1)));
  await fahuo.stop();
}

/** The session that waits in `fahuo.await_outbox`. */
async function serverCpu(bench: Bench): Promise<number> {
  const { rows } = await bench.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'fahuo-relay'`,
  );
  return rows.reduce((sum, { pid }) => sum + usageOf(pid).cpuUs, 0);
}
