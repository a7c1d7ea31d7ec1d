import { parseArgs } from 'node:util';
import { startParts } from '../../src/parts/start.ts';
import { isClean, runCampaign, type Report } from './campaign.ts';
import { killPoints } from './kill-points.ts';
import { mutations } from './mutations.ts';

/**
 * `npm run campaign -- --seed 1 --seeds 20 --events 5000`: all faults, kills and restarts; fails unless all is zero.
 * `--mutation NAME` switches one guarantee off. `--mutations` (or with `--mutation NAME` one of them) fails unless each is
 * caught by the count that it must be caught by. `--patience 600` waits so many seconds for the last answers, for a machine
 * that has other work. `--tokens --seeds 10 --events 1000`: each seed once with tokens that are
 * killed in `--token-kills` of all calls and once without, `--faults` of them faulty; fails unless each run is clean and the
 * slowest with kills took at most three times the median without.
 */
const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    events: { type: 'string', default: '500' },
    kills: { type: 'string' },
    mutation: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    tokens: { type: 'boolean', default: false },
    'token-kills': { type: 'string', default: '0.0125' },
    faults: { type: 'string', default: '0.1' },
    patience: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const seed = Number(flags.seed);
const events = Number(flags.events);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const listOf = (tally: Readonly<Record<string, number>>): string =>
  Object.entries(tally)
    .sort(([left], [right]) => left.localeCompare(right))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
const sumOf = (tally: Readonly<Record<string, number>>): number =>
  Object.values(tally).reduce((sum, count) => sum + count, 0);

function tell(report: Report): void {
  const { faults, counts, kills, weather, injected, exits, seconds } = report;
  const verdict = isClean(report) ? 'clean ' : 'FAILED';
  say(`${verdict} seed ${report.seed}, events ${report.events}: ${listOf(faults)}`);
  say(`       ${listOf(counts)}, ${seconds.toFixed(1)} s (${listOf(report.phases)})`);
  say(`       kills ${sumOf(kills)}: ${listOf(kills)}${exits > 0 ? `; ended at the start ${exits}` : ''}`);
  say(`       around: ${listOf(weather)}, parked rows retried ${report.retried}`);
  say(`       faults ${sumOf(injected)}: ${listOf(injected)}`);
}

const parts = await startParts({ needRedis: true });
const killsOf = (mutation: string | undefined): number =>
  Number(flags.kills ?? (mutation === undefined ? 16 : (mutations[mutation]?.kills ?? 0)));
const run = (which: number, mutation?: string): Promise<Report> =>
  runCampaign(parts, {
    seed: which,
    say: flags.verbose
      ? (line) => void process.stderr.write(`${new Date().toISOString()} ${line}\n`)
      : undefined,
    events,
    kills: killsOf(mutation),
    ...(mutation === undefined ? {} : { mutation: mutations[mutation]!, patienceMs: 45_000 }),
    ...(flags.patience === undefined ? {} : { patienceMs: Number(flags.patience) * 1_000 }),
  });

/** Each seed, and at the end which points were killed over all of them. */
async function runSeeds(): Promise<boolean> {
  const total: Record<string, number> = {};
  let clean = true;
  for (let which = seed; which < seed + Number(flags.seeds); which++) {
    const report = await run(which, flags.mutation);
    tell(report);
    for (const [point, times] of Object.entries(report.kills)) total[point] = (total[point] ?? 0) + times;
    clean &&= isClean(report);
    for (const line of [...report.left.slice(0, 25), ...report.suspects.slice(0, 15)]) say(`       ${line}`);
    if (!isClean(report)) say(`       again: ${againWith(which)}`);
  }
  const never = killPoints.filter((point) => total[point] === undefined);
  if (Number(flags.seeds) > 1) say(`points never killed: ${never.length === 0 ? 'none' : never.join(', ')}`);
  return clean;
}

const againWith = (which: number): string =>
  `npm run campaign -- --seed ${which} --events ${events} --kills ${killsOf(flags.mutation)}${flags.mutation === undefined ? '' : ` --mutation ${flags.mutation}`}`;

async function runMutations(): Promise<boolean> {
  let noticed = true;
  for (const name of flags.mutation === undefined ? Object.keys(mutations) : [flags.mutation]) {
    const report = await run(seed, name);
    const caught = mutations[name]!.caughtBy.some((fault) => report.faults[fault] > 0);
    const wrong = Object.fromEntries(Object.entries(report.faults).filter(([, count]) => count > 0));
    noticed &&= caught;
    say(
      `${name.padEnd(17)} → ${caught ? 'FAILED' : 'NOT NOTICED'}  ${listOf(wrong)}  (${report.seconds.toFixed(0)} s)`,
    );
  }
  return noticed;
}

/** From the moment when everything is ready to the last answer on record. */
const workSecondsOf = ({ phases }: Report): number => (phases['quiet'] ?? 0) - (phases['ready'] ?? 0);
const slowestTimes = 3;

/** Both kinds of run by turns, so that the machine is the same for both. */
async function runTokens(): Promise<boolean> {
  const faults = Number(flags.faults);
  const tokenKills = Number(flags['token-kills']);
  const times = { without: [] as number[], with: [] as number[] };
  const failed: number[] = [];
  const runOne = async (which: number, kills: number): Promise<string> => {
    const plain = { faults, tokenKills: kills };
    const report = await runCampaign(parts, { seed: which, events, kills: 0, plain });
    const seconds = workSecondsOf(report);
    times[kills === 0 ? 'without' : 'with'].push(seconds);
    if (!isClean(report)) failed.push(which);
    const dead = report.injected['expire_token'] ?? 0;
    return `${seconds.toFixed(1)} s${kills === 0 ? '' : `, ${dead} uploads killed their token`}${isClean(report) ? '' : `, FAILED: ${listOf(report.faults)}`}`;
  };
  for (let which = seed; which < seed + Number(flags.seeds); which++)
    say(`seed ${which}: without ${await runOne(which, 0)}; with ${await runOne(which, tokenKills)}`);
  const [median, slowest] = [medianOf(times.without), Math.max(...times.with)];
  say(
    `without token kills: median ${median.toFixed(1)} s, slowest ${Math.max(...times.without).toFixed(1)} s`,
  );
  say(`with:                median ${medianOf(times.with).toFixed(1)} s, slowest ${slowest.toFixed(1)} s`);
  say(`slowest with ÷ median without: ${(slowest / median).toFixed(2)} (at most ${slowestTimes})`);
  return failed.length === 0 && slowest <= slowestTimes * median;
}

function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

const kindOfRun = flags.tokens ? runTokens : flags.mutations ? runMutations : runSeeds;
const good = await kindOfRun();
await parts.stop();
process.exitCode = good ? 0 : 1;
