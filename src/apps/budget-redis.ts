import type { Redis } from 'ioredis';

import { monotonicMs, type Clock, withTimeout } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import {
  claimLifeMs,
  createLimits,
  type Budget,
  type BudgetLimits,
  type BudgetOptions,
  type Rate,
} from './budget.ts';
import { redisScript, type RedisScript } from './redis-script.ts';

export type RedisBudgetOptions = BudgetOptions & {
  redis: Redis;
  keyPrefix: string;
  log?: Log;
  /** Asked while Redis does not answer, with {@link awayShare} of each rate. */
  fallback: Budget;
  /** A Redis that takes longer is away. */
  timeoutMs?: number;
  /** How often a Redis that is away is asked whether it is back. */
  probeMs?: number;
  /** For tests: the time that the script uses in place of the Redis server's own. */
  clock?: Clock;
};

/**
 * While Redis is away the fallback grants this part of the rate. Not all of it: some instances may still reach Redis
 * and use the whole rate there.
 */
export const awayShare = 0.25;
/** Grants of the last second before Redis went away still count: so long the fallback is not asked. */
const clearMs = 1_000;

/**
 * Loads the budget, refills it and leaves `b`, `now`, `capacity`. The steps are those of budget.ts (`refilled`), with
 * the Redis server's clock, so that all instances share one time. An idle budget is full, so its key may expire.
 * ARGV: now or '', perMs, capacity, readPerMs, readCapacity; then what the script takes.
 */
const prelude = `
local now
if ARGV[1] == '' then local t = redis.call('TIME') now = t[1] * 1000 + t[2] / 1000 else now = tonumber(ARGV[1]) end
local perMs, capacity = tonumber(ARGV[2]), tonumber(ARGV[3])
local readPerMs, readCapacity = tonumber(ARGV[4]), tonumber(ARGV[5])
local v = redis.call('HMGET', KEYS[1], 'level', 'at', 'credit', 'claim', 'claim_until', 'blocked_until')
local b = {level = tonumber(v[1] or 0), at = tonumber(v[2] or 0), credit = tonumber(v[3] or 0),
           claim = tonumber(v[4] or 0), claimUntil = tonumber(v[5] or 0), blockedUntil = tonumber(v[6] or 0)}
local function save()
  redis.call('HSET', KEYS[1], 'level', string.format('%.9f', b.level), 'at', string.format('%.3f', b.at),
    'credit', string.format('%.9f', b.credit), 'claim', b.claim, 'claim_until', string.format('%.3f', b.claimUntil),
    'blocked_until', string.format('%.3f', b.blockedUntil))
  redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(0, b.blockedUntil - now, b.claimUntil - now)) + 600000)
end
`;

/** ARGV 6: kind, 7: wanted. Answers granted and retryAfterMs. */
const takeLua = `${prelude}
local kind, wanted = ARGV[6], tonumber(ARGV[7])
if now < b.blockedUntil then return {0, math.ceil(b.blockedUntil - now)} end
if perMs < 0 then return {wanted, 0} end
if b.at == 0 then
  b.level, b.at, b.credit, b.claim = 1, now, readCapacity, 0
else
  local passed = math.max(0, now - b.at)
  b.level = math.min(capacity, b.level + passed * perMs)
  b.at = math.max(now, b.at)
  b.credit = math.min(readCapacity, b.credit + passed * readPerMs)
  if now >= b.claimUntil then b.claim = 0 end
end
local kept = 0
if kind == 'write' then kept = b.claim end
local granted = math.max(0, math.min(wanted, math.floor(b.level - kept)))
local missing, retryAfter = wanted - granted, 0
b.level = b.level - granted
if missing > 0 then
  local target = math.max(1, math.min(missing, math.floor(capacity / 2)))
  retryAfter = math.max(1, math.ceil((target - (b.level - kept)) / perMs))
end
if kind == 'read' then
  b.credit = math.max(0, b.credit - granted)
  b.claim = math.min(math.max(missing, b.claim - granted), math.floor(b.credit))
  if missing > 0 then b.claimUntil = now + retryAfter + ${claimLifeMs} end
end
save()
return {granted, retryAfter}
`;

/** ARGV 6: forMs. */
const slowDownLua = `${prelude}
b.blockedUntil = math.max(b.blockedUntil, now + tonumber(ARGV[6]))
save()
return 1
`;

/**
 * One budget an app over all instances that share this Redis and key prefix. Rates are configured alike everywhere.
 * A Redis that refuses, fails or is silent is left alone but for a probe a second, and the fallback grants meanwhile:
 * no `take` waits for it but the first.
 */
export function createRedisBudget(options: RedisBudgetOptions): Budget {
  const { redis, keyPrefix, fallback, timeoutMs = 1_000 } = options;
  const limitsByApp = createLimits(options);
  const scripts = { take: redisScript(redis, takeLua), slowDown: redisScript(redis, slowDownLua) };
  const away = createAway(options, () => withTimeout(timeoutMs, redis.ping()));

  /** Null when Redis is away. */
  const run = async (
    script: RedisScript,
    appid: string,
    args: readonly (string | number)[],
  ): Promise<unknown> => {
    if (away.isAway()) return null;
    const now = options.clock === undefined ? '' : options.clock().getTime();
    const work = script(
      [`${keyPrefix}budget:{${appid}}`],
      [now, ...limitArgs(limitsByApp.of(appid)), ...args],
    );
    return withTimeout(timeoutMs, work).catch((error: unknown) => away.leave(error));
  };
  return {
    take: async ({ appid, kind, wanted }) => {
      const whole = Math.max(0, Math.floor(wanted));
      const grant = readGrant(await run(scripts.take, appid, [kind, whole]));
      if (grant !== null) return grant;
      const waitMs = clearMs - away.sinceMs();
      return waitMs > 0
        ? { granted: 0, retryAfterMs: Math.ceil(waitMs) }
        : fallback.take({ appid, kind, wanted: whole });
    },
    slowDown: async (appid, forMs) => {
      if ((await run(scripts.slowDown, appid, [forMs])) === null) await fallback.slowDown(appid, forMs);
    },
    configure: (appid, rate) => {
      limitsByApp.set(appid, rate);
      fallback.configure(appid, partOf(rate));
    },
  };
}

const partOf = (rate: Rate): Rate =>
  rate === 'unlimited' ? rate : { callsPerSecond: rate.callsPerSecond * awayShare };

type Away = { isAway: () => boolean; sinceMs: () => number; leave: (error: unknown) => null };

/** Whether Redis is away: left at its first failure, and taken back when a probe is answered. */
function createAway(
  { log, probeMs = 1_000 }: Pick<RedisBudgetOptions, 'log' | 'probeMs'>,
  ping: () => Promise<unknown>,
): Away {
  let leftAtMs: number | null = null;
  let probeAtMs = 0;
  const probe = async (): Promise<void> => {
    probeAtMs = Infinity;
    try {
      await ping();
      leftAtMs = null;
      log?.info('budget.redis_back');
    } catch {
      probeAtMs = monotonicMs() + probeMs;
    }
  };
  return {
    isAway: () => {
      if (leftAtMs !== null && monotonicMs() >= probeAtMs) void probe();
      return leftAtMs !== null;
    },
    sinceMs: () => monotonicMs() - (leftAtMs ?? monotonicMs()),
    leave: (error) => {
      if (leftAtMs !== null) return null;
      leftAtMs = monotonicMs();
      probeAtMs = leftAtMs + probeMs;
      log?.warn({ err: messageOf(error), share: awayShare }, 'budget.redis_away');
      return null;
    },
  };
}

const limitArgs = (limits: BudgetLimits): number[] =>
  limits.kind === 'unlimited'
    ? [-1, 0, 0, 0]
    : [limits.perMs, limits.capacity, limits.readPerMs, limits.readCapacity];

const readGrant = (reply: unknown): { granted: number; retryAfterMs: number } | null =>
  Array.isArray(reply) ? { granted: Number(reply[0]), retryAfterMs: Number(reply[1]) } : null;
