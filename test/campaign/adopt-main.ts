import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startMariadb } from '../../src/parts/mariadb.ts';
import { startPostgres } from '../../src/parts/postgres.ts';
import type { LocalService } from '../../src/parts/process.ts';
import { startParts } from '../../src/parts/start.ts';
import { adoptMutations } from './adopt-mutations.ts';
import { isCleanAdoption, runAdoptCampaign, type AdoptReport } from './adopt.ts';

/**
 * `npm run campaign:adopt -- --seed 1 --seeds 3 --orders 20000 --shop both`: fails unless every seed is clean in every shop.
 * `--mutation NAME,NAME` switches one rule off at a time; `--mutations` fails unless each is caught by the count that it must be caught by.
 */
const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    orders: { type: 'string', default: '2000' },
    shop: { type: 'string', default: 'both' },
    troubles: { type: 'string', default: '6' },
    /** Over how many seconds the writers spread their work; by the troubles without it. */
    spread: { type: 'string' },
    patience: { type: 'string', default: '240' },
    mutation: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const names = ['yudao', 'likeshop'] as const;
const shops = names.filter((name) => flags.shop === 'both' || flags.shop === name);
const chosen = flags.mutations
  ? Object.keys(adoptMutations)
  : flags.mutation === undefined
    ? []
    : flags.mutation.split(',');
const unknown = chosen.filter((name) => adoptMutations[name] === undefined);
if (shops.length === 0 || unknown.length > 0) {
  process.stderr.write(
    `--shop is yudao, likeshop or both; --mutation is one of ${Object.keys(adoptMutations).join(', ')}\n`,
  );
  process.exit(2);
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const listOf = (tally: Readonly<Record<string, number>>): string =>
  Object.entries(tally)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

function tell(report: AdoptReport): void {
  const { faults, counts, written, troubles, phases, suspects } = report;
  say(
    `${isCleanAdoption(report) ? 'clean ' : 'FAILED'} ${report.shop} seed ${report.seed}, orders ${report.orders}`,
  );
  say(`       ${listOf(faults)}`);
  say(
    `       ${listOf(counts)}, crashed ${report.crashed}, quiet at the end: ${report.quiet ? 'yes' : 'no'}`,
  );
  say(`       writers: ${listOf(written)}`);
  say(`       troubles: ${listOf(troubles)}`);
  say(`       seconds: ${listOf(phases)}`);
  for (const line of suspects.slice(0, 15)) say(`       ${line}`);
}

/** The servers are killed on purpose, so they are the campaign's own. */
const parts = await startParts({ needRedis: false });
const folder = await mkdtemp(join(tmpdir(), 'fahuo-shops-'));
await chmod(folder, 0o755);
const servers: Partial<Record<(typeof names)[number], LocalService>> = {};
for (const name of shops) servers[name] = await (name === 'yudao' ? startPostgres : startMariadb)(folder);

const run = (shop: (typeof names)[number], seed: number, mutation?: string): Promise<AdoptReport> => {
  const troubles = Number(flags.troubles);
  return runAdoptCampaign(
    { kafkaBrokers: parts.kafkaBrokers, ours: parts.postgres!, shops: servers[shop]! },
    {
      shop,
      seed,
      orders: Number(flags.orders),
      troubles,
      spreadMs: flags.spread === undefined ? 12_000 * troubles : Number(flags.spread) * 1_000,
      patienceMs: Number(flags.patience) * 1_000,
      ...(flags.verbose
        ? { say: (line) => void process.stderr.write(`${new Date().toISOString()} ${line}\n`) }
        : {}),
      ...(mutation === undefined ? {} : { mutation: adoptMutations[mutation]! }),
    },
  );
};

async function runMutation(name: string): Promise<boolean> {
  let noticed = true;
  for (const shop of shops) {
    const report = await run(shop, Number(flags.seed), name);
    const { caughtBy } = adoptMutations[name]!;
    const caught =
      caughtBy.length === 0 ? isCleanAdoption(report) : caughtBy.some((fault) => report.faults[fault] > 0);
    const wrong = Object.fromEntries(Object.entries(report.faults).filter(([, count]) => count > 0));
    const verdict =
      caughtBy.length === 0 ? (caught ? 'clean' : 'NOT CLEAN') : caught ? 'FAILED' : 'NOT NOTICED';
    say(`${name.padEnd(14)} ${shop.padEnd(8)} → ${verdict}  ${listOf(wrong)}  (${report.phases['end']} s)`);
    if (flags.verbose || !caught) tell(report);
    noticed &&= caught;
  }
  return noticed;
}

let good = true;
for (const name of chosen) good = (await runMutation(name)) && good;
if (chosen.length === 0)
  for (let seed = Number(flags.seed); seed < Number(flags.seed) + Number(flags.seeds); seed++)
    for (const shop of shops) {
      const report = await run(shop, seed);
      tell(report);
      good &&= isCleanAdoption(report);
    }
await Promise.all(Object.values(servers).map((server) => server.stop()));
await parts.stop();
await rm(folder, { recursive: true, force: true });
process.exitCode = good ? 0 : 1;
