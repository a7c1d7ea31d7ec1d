import { keepGauges } from '../console/gauges.ts';
import { ping } from '../console/status-store.ts';
import { messageOf } from '../errors.ts';
import { serveHttp, type Readiness } from '../http/serve.ts';
import type { Context, OpenRole } from './role.ts';

/** Metrics, health, the routes of other roles, and the gauges that are read from tables. */
export const openConsole: OpenRole = async (context) => {
  const { config, metrics } = context;
  const routes = context.routes ?? [];
  const server = await serveHttp(
    { metrics, readiness: () => readReadiness(context), routes },
    { host: config.http.host, port: config.http.port },
  );
  return {
    url: server.url,
    run: (signal) => keepGauges({ ...context, topic: config.kafka.topic }, signal),
    close: server.stop,
  };
};

async function readReadiness({ pool, admin, config, metrics }: Context): Promise<Readiness> {
  const checks = {
    ...metrics.waits.all(),
    postgres: await wordOf(ping(pool)),
    kafka: await wordOf(admin.partitionCount(config.kafka.topic)),
  };
  return { ready: Object.values(checks).every((check) => check === 'ok'), checks };
}

const wordOf = (check: Promise<unknown>): Promise<string> =>
  check.then(
    () => 'ok',
    (error: unknown) => messageOf(error),
  );
