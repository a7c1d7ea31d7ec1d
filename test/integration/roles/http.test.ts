import { afterEach, expect, it } from 'vitest';
import { serveHttp, type Http } from '../../../src/http/serve.ts';
import { createMetrics } from '../../../src/metrics.ts';

let http: Http;
afterEach(() => http.stop());

const live = async (): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(`${http.url}/livez`);
  return { status: answer.status, body: await answer.json() };
};

it('/livez answers 503 with the names of the loops that are overdue, and 200 when they turn again', async () => {
  const metrics = createMetrics(0);
  http = await serveHttp(
    { metrics, readiness: () => Promise.resolve({ ready: true, checks: {} }) },
    { host: '127.0.0.1', port: 0 },
  );
  metrics.heartbeats.beat('relay', 60_000);
  expect(await live()).toEqual({ status: 200, body: { alive: true, stale: [] } });
  metrics.heartbeats.beat('upload.sweep');
  expect(await live()).toEqual({
    status: 503,
    body: { alive: false, stale: [{ loop: 'upload.sweep', silent_ms: expect.any(Number) as number }] },
  });
  metrics.heartbeats.beat('upload.sweep', 60_000);
  expect(await live()).toMatchObject({ status: 200 });
});
