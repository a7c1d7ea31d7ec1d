import { subscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { Connection } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { produceKey } from '../support/proxy.ts';
import { createRandom } from '../support/random.ts';
import { requestOf, statementOf } from './kill-points.ts';

/**
 * Loaded before the product, in processes of the campaign alone (`node --import`). Ends the process, as kill -9 does,
 * at the n-th pass of one named point: CAMPAIGN_KILL=claim.after:3. Steps its wall clock by up to two seconds, to and
 * fro, by a seed: CAMPAIGN_CLOCK=7.
 */
const [killPoint, passes] = (process.env['CAMPAIGN_KILL'] ?? '').split(':');
let passesLeft = Number(passes ?? 0);

function pass(point: string): void {
  if (point !== killPoint) return;
  passesLeft -= 1;
  if (passesLeft === 0) process.kill(process.pid, 'SIGKILL');
}

type Callback = (...given: unknown[]) => unknown;

const passingAfter =
  (point: string, callback: Callback): Callback =>
  (...given) => {
    pass(`${point}.after`);
    return callback(...given);
  };

/** The text of a statement, plain or named; a copy keeps its text to itself, and only the relay's reads are copies. */
function nameOf(statement: unknown): string | undefined {
  if (typeof statement === 'string') return statementOf(statement);
  const { text, submit } = statement as { text?: unknown; submit?: unknown };
  if (typeof text === 'string') return statementOf(text);
  return typeof submit === 'function' ? 'relay.read' : undefined;
}

/** `pg` is called with a callback by its pool, without one by us, and with the end of a copy inside of it. */
function watchStatements(): void {
  const prototype = pg.Client.prototype as unknown as { query: Callback };
  const query = prototype.query;
  prototype.query = function (this: unknown, ...args: unknown[]) {
    const name = nameOf(args[0]);
    if (name === undefined) return query.apply(this, args);
    pass(`${name}.before`);
    const callback = args.at(-1);
    if (typeof callback === 'function')
      return query.apply(this, [...args.slice(0, -1), passingAfter(name, callback as Callback)]);
    const copy = args[0] as { handleReadyForQuery?: Callback };
    if (copy.handleReadyForQuery !== undefined) {
      copy.handleReadyForQuery = passingAfter(name, copy.handleReadyForQuery);
      return query.apply(this, args);
    }
    return (query.apply(this, args) as Promise<unknown>).finally(() => pass(`${name}.after`));
  };
}

const channels = {
  'undici:client:sendHeaders': 'before',
  'undici:request:bodySent': 'sent',
  'undici:request:headers': 'answered',
  'undici:request:trailers': 'after',
} as const;

function watchRequests(): void {
  for (const [channel, when] of Object.entries(channels))
    subscribe(channel, (message) => {
      const name = requestOf((message as { request: { path: string } }).request.path);
      if (name !== undefined) pass(`${name}.${when}`);
    });
}

function watchKafka(): void {
  const connection = Connection.prototype as unknown as { send: Callback };
  const send = connection.send;
  connection.send = function (this: unknown, ...args: unknown[]) {
    if (args[0] !== produceKey) return send.apply(this, args);
    pass('publish.before');
    return send.apply(this, [...args.slice(0, -1), passingAfter('publish', args.at(-1) as Callback)]);
  };
  const kafka = kafkajs.Kafka.prototype as unknown as { consumer: (...args: unknown[]) => object };
  const consumer = kafka.consumer;
  kafka.consumer = function (this: unknown, ...args: unknown[]) {
    const made = consumer.apply(this, args) as { commitOffsets: (...given: unknown[]) => Promise<unknown> };
    const commit = made.commitOffsets;
    made.commitOffsets = async (...given) => {
      pass('commit.before');
      const result = await commit(...given);
      pass('commit.after');
      return result;
    };
    return made;
  };
}

function stepClock(seed: number): void {
  const random = createRandom(seed);
  const RealDate = Date;
  let stepMs = 0;
  const Stepped = class extends RealDate {
    constructor(...given: unknown[]) {
      super(...((given.length === 0 ? [RealDate.now() + stepMs] : given) as [number]));
    }
    static override now(): number {
      return RealDate.now() + stepMs;
    }
  };
  globalThis.Date = Stepped as unknown as DateConstructor;
  setInterval(() => (stepMs = stepMs === 0 ? (random() * 2 - 1) * 2_000 : 0), 700).unref();
}

/** WeChat's minute, which 45011 asks to wait for, lasts as long here as the campaign's operator lets it. */
const minuteMs = 60_000;
const hastenedMs = 500;

function hastenMinutes(): void {
  const sleep = timers.setTimeout;
  const isMinute = (ms: number | undefined): boolean =>
    ms !== undefined && ms > minuteMs / 4 && ms < minuteMs * 1.25;
  timers.setTimeout = (ms, value, options) => sleep(isMinute(ms) ? hastenedMs : ms, value, options);
  syncBuiltinESMExports();
}

hastenMinutes();
watchStatements();
watchRequests();
watchKafka();
if (process.env['CAMPAIGN_CLOCK'] !== undefined) stepClock(Number(process.env['CAMPAIGN_CLOCK']));
