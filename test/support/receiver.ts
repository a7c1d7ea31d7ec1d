import { Agent, request } from 'undici';
import type { Pool } from '../../db/client.ts';
import type { Clock } from '../../src/clock.ts';
import { serve, type Http } from '../../src/http/serve.ts';
import { createLog } from '../../src/log.ts';
import { createDoorbell } from '../../src/loop.ts';
import { createMetrics, type Metrics } from '../../src/metrics.ts';
import type { AppKeys } from '../../src/push/decide.ts';
import { pushRoutes } from '../../src/push/receive.ts';
import { pushAppid, pushedAt, pushKey, pushToken, type Push } from './pushes.ts';

export type Answer = { status: number; text: string; headers: Record<string, unknown> };

/** The push address on a port of its own, with one app in secure mode. */
export type Receiver = {
  url: string;
  metrics: Metrics;
  post: (push: Push, to?: { appid?: string; method?: 'POST' | 'PUT' | 'DELETE' }) => Promise<Answer>;
  get: (query: Record<string, string>, appid?: string) => Promise<Answer>;
  close: () => Promise<void>;
};

export const secureKeys: AppKeys = { appid: pushAppid, tokens: [pushToken], aesKeys: [pushKey.aesKey] };

export async function openReceiver(
  pool: Pool,
  {
    keys = [secureKeys],
    keepWithinMs = 4_000,
    clock = () => new Date(pushedAt * 1_000),
    requestMs,
  }: { keys?: readonly AppKeys[]; keepWithinMs?: number; clock?: Clock; requestMs?: number } = {},
): Promise<Receiver> {
  const metrics = createMetrics();
  const deps = {
    pool,
    metrics,
    clock,
    log: createLog({ level: 'silent' }),
    doorbell: createDoorbell(),
    keysOf: (appid: string) => keys.find((one) => one.appid === appid),
  };
  const routes = pushRoutes(deps, { toleranceMs: 300_000, keepWithinMs });
  const http: Http = await serve([routes], { host: '127.0.0.1', port: 0 }, requestMs);
  const agent = new Agent({ connections: 32 });
  const ask = async (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    { appid, query, body }: { appid: string; query: Record<string, string>; body?: string },
  ): Promise<Answer> => {
    const url = `${http.url}/wechat/push/${appid}?${new URLSearchParams(query).toString()}`;
    const answer = await request(url, { method, dispatcher: agent, ...(body === undefined ? {} : { body }) });
    return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers };
  };
  return {
    url: http.url,
    metrics,
    post: ({ query, body }, { appid = pushAppid, method = 'POST' } = {}) =>
      ask(method, { appid, query, body }),
    get: (query, appid = pushAppid) => ask('GET', { appid, query }),
    close: async () => {
      await agent.close();
      await http.stop();
    },
  };
}

/** What a counter stands at, by its labels. */
export async function countOf(metrics: Metrics, name: string, labels: Record<string, string> = {}) {
  const metric = await metrics.registry.getSingleMetric(name)?.get();
  const found = metric?.values.filter((value) =>
    Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted),
  );
  return found?.reduce((sum, { value }) => sum + value, 0) ?? 0;
}
