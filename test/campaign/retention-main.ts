import { parseArgs } from 'node:util';
import { monotonicMs, sleep } from '../../src/clock.ts';
import { table } from '../../src/table.ts';
import { startParts } from '../../src/parts/start.ts';
import { createLog } from '../../src/log.ts';
import { runRetention } from '../../src/upload/retention.ts';
import { shippedEvent } from '../support/events.ts';
import { appid, createStack, effectsOf, statsOf } from '../support/stack.ts';
import { countTables, weighTables } from '../support/tables.ts';

/**
 * `npm run campaign:retention -- --minutes 6 --kept 60 --rate 50`: a steady load with a retention of `kept` seconds.
 * Prints rows and kilobytes of each table; ends with a replay of everything. Fails if the second half of the run keeps
 * more rows of a table than twice the retention brings, or if the replay sends anything.
 */
const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '6' },
    kept: { type: 'string', default: '60' },
    rate: { type: 'string', default: '50' },
  },
});
const [minutes, keptMs, rate] = [Number(flags.minutes), Number(flags.kept) * 1_000, Number(flags.rate)];
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const log = createLog({ level: 'warn' });
const [lookEveryMs, waveEveryMs] = [15_000, 500];

const parts = await startParts({
  databaseUrl: process.env['DATABASE_URL'],
  kafkaBrokers: process.env['KAFKA_BROKERS'],
  needRedis: false,
});
const stack = await createStack({
  services: { databaseUrl: parts.databaseUrl, kafkaBrokers: parts.kafkaBrokers },
});
const stop = new AbortController();
const retention = runRetention(
  { pool: stack.database.pool, log },
  {
    instance: 'campaign',
    uploadMs: keptMs,
    deadLetterMs: keptMs,
    outboxMs: keptMs,
    webhookDeliveredMs: keptMs,
    webhookUndeliveredMs: keptMs,
    olderQuietMs: keptMs,
    acknowledgements: true,
    everyMs: 1_000,
  },
  stop.signal,
);
await stack.start();

let shipped = 0;
const ship = (): Promise<unknown> => {
  const events = Array.from({ length: (rate * waveEveryMs) / 1_000 }, () =>
    JSON.stringify(shippedEvent({ payment: `p${shipped++}`, appid })),
  );
  return stack.database.pool.query('select fahuo.enqueue(text) from unnest($1::text[]) as text', [events]);
};

type Look = { seconds: number; rows: Record<string, number>; bytes: Record<string, number> };
const looks: Look[] = [];
const look = async (seconds: number): Promise<void> => {
  const [rows, bytes] = [await countTables(stack.database.pool), await weighTables(stack.database.pool)];
  looks.push({ seconds, rows, bytes });
  const shown = ['outbox', 'relay_journal', 'upload', 'attempt', 'dead_letter', 'tombstone'];
  if (looks.length === 1) say(table([['s', ...shown.map((name) => name.padEnd(16))]]));
  const cells = shown.map((name) =>
    `${rows[name] ?? 0} ${Math.round((bytes[name] ?? 0) / 1024)} kB`.padEnd(16),
  );
  say(table([[String(seconds).padEnd(3), ...cells]]));
};

const startedMs = monotonicMs();
let lookedMs = -lookEveryMs;
for (let ms = 0; ms < minutes * 60_000; ms = monotonicMs() - startedMs) {
  if (ms - lookedMs >= lookEveryMs) {
    lookedMs = ms;
    await look(Math.round(ms / 1_000));
  }
  await ship();
  await sleep(waveEveryMs);
}

const half = looks.filter(({ seconds }) => seconds * 1_000 > Math.max(2 * keptMs, (minutes * 60_000) / 2));
const most = (name: string): number => Math.max(...half.map(({ rows }) => rows[name] ?? 0));
/** An event makes an upload, an attempt and two outbox rows; what is due goes within one pass. */
const limit = 2 * 2 * (keptMs / 1_000) * rate;
const grown = Object.keys(half[0]?.rows ?? {}).filter((name) => name !== 'tombstone' && most(name) > limit);
if (half.length === 0) throw new TypeError('too short: --minutes must be more than four times --kept');
say(grown.length === 0 ? `flat: no table above ${limit} rows` : `GROWN: ${grown.join(', ')}`);

const before = (await effectsOf(stack.wechat)).length;
const replayed = await stack.run('replay', '--earliest', '--execute', '--json');
const { replay: done } = JSON.parse(replayed.stdout) as { replay: Record<string, number> };
await sleep(5_000);
const after = (await effectsOf(stack.wechat)).length;
const { effects } = await statsOf(stack.wechat);
say(`shipped ${shipped}, effects ${JSON.stringify(effects)}`);
say(`replay from 0: ${JSON.stringify(done)}`);
// Events that were under way when the load ended have their one effect still.
const sent = Math.max(0, after - Math.max(before, shipped)) + effects.add + effects.reship;
say(`sends that the replay caused: ${sent}, rows: ${done['inserted'] ?? 0}`);
if (grown.length > 0 || sent > 0 || (done['inserted'] ?? 0) > 0) process.exitCode = 1;
stop.abort();
await retention;
await stack.close();
await parts.stop();
