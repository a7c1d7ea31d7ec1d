import { fastify } from 'fastify';
import { FahuoError, messageOf } from '../errors.ts';
import type { Metrics } from '../metrics.ts';

export type Readiness = { ready: boolean; checks: Record<string, string> };
export type Http = { url: string; stop: () => Promise<void> };

/** /metrics for Prometheus, /livez while every loop turns, /readyz while its services answer. */
export async function serveHttp(
  deps: { metrics: Metrics; readiness: () => Promise<Readiness> },
  listen: { host: string; port: number },
): Promise<Http> {
  const app = fastify({ forceCloseConnections: true });
  app.get('/livez', async (_request, reply) => {
    const stale = deps.metrics.heartbeats.stale();
    return reply.status(stale.length === 0 ? 200 : 503).send({ alive: stale.length === 0, stale });
  });
  app.get('/readyz', async (_request, reply) => {
    const readiness = await deps.readiness();
    return reply.status(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/metrics', async (_request, reply) => {
    const text = await deps.metrics.registry.metrics();
    return reply.type(deps.metrics.registry.contentType).send(text);
  });
  try {
    const url = await app.listen({ ...listen }); // fastify writes into it
    return { url, stop: () => app.close() };
  } catch (error) {
    await app.close();
    throw httpUnavailable(listen, error);
  }
}

/** Another instance on this host, most of the time. */
const httpUnavailable = ({ host, port }: { host: string; port: number }, cause: unknown): FahuoError =>
  new FahuoError('HTTP_UNAVAILABLE', `cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
