import { fastify, type FastifyInstance } from 'fastify';
import { FahuoError, messageOf } from '../errors.ts';
import type { Metrics } from '../metrics.ts';

export type Readiness = { ready: boolean; checks: Record<string, string> };
export type Http = { url: string; stop: () => Promise<void> };

/** Adds a role's routes to a server, in a scope of their own. */
export type Routes = (app: FastifyInstance) => void;
export type Listen = { host: string; port: number };

/** /metrics for Prometheus, /livez while every loop turns, /readyz while its services answer; and the routes of roles. */
export async function serveHttp(
  deps: { metrics: Metrics; readiness: () => Promise<Readiness>; routes?: readonly Routes[] },
  listen: Listen,
): Promise<Http> {
  const own: Routes = (app) => {
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
  };
  return serve([own, ...(deps.routes ?? [])], listen);
}

/** Who sends a request more slowly than this is cut off. */
const requestWithinMs = 10_000;
/** Bodies of as many senders are in memory at most. */
const maxConnections = 500;

/** A server of nothing but these routes. */
export async function serve(
  routes: readonly Routes[],
  listen: Listen,
  requestMs = requestWithinMs,
): Promise<Http> {
  const app = fastify({
    forceCloseConnections: true,
    requestTimeout: requestMs,
    // Less than for the whole: Node takes the greater of the two for the whole.
    http: { headersTimeout: requestMs / 2, connectionsCheckingInterval: Math.min(1_000, requestMs / 2) },
  });
  app.server.maxConnections = maxConnections;
  for (const add of routes)
    app.register((scope, _options, done) => {
      add(scope);
      done();
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
const httpUnavailable = ({ host, port }: Listen, cause: unknown): FahuoError =>
  new FahuoError('HTTP_UNAVAILABLE', `cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
