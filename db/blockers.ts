import type pg from 'pg';
import { connectAlone, trustedPath, type Queryable } from './client.ts';
import { withoutLiterals } from './statement-text.ts';

/** A lock was waited for as long as the session's `lock_timeout` allows; `message` names who holds it. */
export class HeldUpError extends Error {}

const watchEveryMs = 200;

/**
 * Runs `work` on `client`; a second connection sees who keeps it waiting, since the error does not say.
 * @throws HeldUpError where a lock was not had in time; whatever `work` throws otherwise.
 */
export async function namingBlockers<T>(
  databaseUrl: string,
  client: pg.Client,
  applicationName: string,
  work: () => Promise<T>,
): Promise<T> {
  const watcher = await connectAlone(databaseUrl, applicationName, trustedPath);
  let blockers: Blocker[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
    const pid = rows[0]?.pid ?? 0;
    timer = setInterval(() => {
      void readBlockers(watcher, pid)
        .then((found) => (blockers = found.length > 0 ? found : blockers))
        .catch(() => undefined);
    }, watchEveryMs);
    return await work();
  } catch (error) {
    throw codeOf(causeOf(error)) === '55P03'
      ? new HeldUpError(heldUp(blockers), { cause: error })
      : causeOf(error);
  } finally {
    clearInterval(timer);
    await watcher.end();
  }
}

type Blocker = {
  pid: number;
  user: string | null;
  application: string | null;
  ageSeconds: number | null;
  query: string | null;
};

async function readBlockers(db: Queryable, pid: number): Promise<Blocker[]> {
  const { rows } = await db.query<Blocker>(
    `select b.pid, a.usename::text as user, a.application_name as application,
       extract(epoch from clock_timestamp() - coalesce(a.xact_start, a.backend_start))::float8 as "ageSeconds", a.query
     from unnest(pg_blocking_pids($1)) as b (pid) left join pg_stat_activity a on a.pid = b.pid`,
    [pid],
  );
  return rows;
}

/** drizzle wraps what Postgres said in twenty lines of the statement. */
function causeOf(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause;
}

const codeOf = (error: unknown): unknown => (Object(error) as { code?: unknown }).code;

const heldUp = (blockers: readonly Blocker[]): string =>
  `gave up waiting for a lock; nothing was changed. It is held by ${blockers.map(describe).join(' and by ') || 'a session that has just ended'}`;

const describe = ({ pid, user, application, ageSeconds, query }: Blocker): string =>
  pid === 0
    ? 'a prepared transaction (see pg_prepared_xacts)'
    : `pid ${pid} (user ${user ?? '?'}, application ${application ?? '?'}, open for ${Math.round(ageSeconds ?? 0)} s): ${withoutLiterals(query ?? '')}`;
