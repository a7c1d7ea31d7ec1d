import { createPool, type Pool } from '../../db/client.ts';
import { createMemoryBudget } from '../../src/apps/budget-memory.ts';
import { createPauses } from '../../src/apps/pauses.ts';
import { systemClock, systemRandom, type Clock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { defaultTraceTiming } from '../../src/receipt/decide-trace.ts';
import { defaultReceiptTiming } from '../../src/receipt/decide.ts';
import type { ReceiptOptions, WorkDeps } from '../../src/receipt/deps.ts';
import { createWechatClient } from '../../src/wechat/client.ts';
import { createHttp } from '../../src/wechat/http.ts';
import { appSetOf } from './apps.ts';
import { appid } from './events.ts';
import { createTokens } from './tokens.ts';

export type ReceiptsInTest = {
  deps: WorkDeps;
  options: ReceiptOptions & { appid: string };
  close: () => Promise<void>;
};

/** What the receipts of one app work with; waits are so short that the next look is at once. */
export function createReceipts(
  pool: Pool,
  given: { wechat: string; instance?: string; callTimeoutMs?: number; clock?: Clock },
): ReceiptsInTest {
  const { wechat, instance = 'one', callTimeoutMs = 1_000, clock = systemClock } = given;
  const http = createHttp({ baseUrl: wechat, totalTimeoutMs: callTimeoutMs, connections: 32 });
  const log = createLog({ level: 'silent' });
  const metrics = createMetrics();
  const deps: WorkDeps = {
    pool,
    wechat: createWechatClient({ http, tokens: createTokens(http), clock }),
    budget: createMemoryBudget({ clock }),
    log,
    metrics,
    clock,
    random: systemRandom,
    pauses: createPauses({ pool, log, metrics }),
  };
  const options = {
    apps: appSetOf(appid),
    appid,
    instance,
    timing: { ...defaultReceiptTiming, waitMinMs: 1, waitMaxMs: 1 },
    callTimeoutMs,
    marginMs: 5_000,
    idleMinMs: 5,
    idleMaxMs: 20,
    trace: {
      apps: new Set([appid]),
      timing: { ...defaultTraceTiming, queryMinMs: 1, queryMaxMs: 1 },
      secretOf: () => 's',
      imageUrl: 'https://shop.example/logo.png',
      page: 'pages/order',
    },
  };
  return { deps, options, close: () => http.close() };
}

export const receiptsPool = (databaseUrl: string): Pool =>
  createPool({ databaseUrl, max: 6, applicationName: 'receipts', onError: () => undefined });
