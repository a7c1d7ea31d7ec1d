import { subscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { Producer } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import pg from 'pg';
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

type Async = (...args: unknown[]) => Promise<unknown>;

const passing =
  (name: string, work: Async): Async =>
  async (...args) => {
    pass(`${name}.before`);
    const result = await work(...args);
    pass(`${name}.after`);
    return result;
  };

/** `pg` is called with a callback by its pool, and without one by us. */
function watchStatements(): void {
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const query = prototype.query;
  prototype.query = function (this: unknown, ...args: unknown[]) {
    const name = typeof args[0] === 'string' ? statementOf(args[0]) : undefined;
    if (name === undefined) return query.apply(this, args);
    pass(`${name}.before`);
    const callback = args.at(-1);
    if (typeof callback !== 'function')
      return (query.apply(this, args) as Promise<unknown>).finally(() => pass(`${name}.after`));
    const answered = (...given: unknown[]): unknown => {
      pass(`${name}.after`);
      return (callback as (...all: unknown[]) => unknown)(...given);
    };
    return query.apply(this, [...args.slice(0, -1), answered]);
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
  const producer = Producer.prototype as unknown as { send: Async };
  const send = producer.send;
  producer.send = function (this: unknown, ...args: unknown[]) {
    return passing('publish', (...given) => send.apply(this, given))(...args);
  };
  const kafka = kafkajs.Kafka.prototype as unknown as { consumer: (...args: unknown[]) => object };
  const consumer = kafka.consumer;
  kafka.consumer = function (this: unknown, ...args: unknown[]) {
    const made = consumer.apply(this, args) as { commitOffsets: Async };
    made.commitOffsets = passing('commit', made.commitOffsets);
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
