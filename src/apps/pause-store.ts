import type { Queryable } from '../../db/client.ts';
import { cutText, storable } from '../text.ts';
import type { Endpoint } from './effect.ts';

export type Pause = {
  appid: string;
  endpoint: Endpoint;
  errcode: number | null;
  reason: string;
  pausedAt: Date;
  resumeAt: Date | null;
};

const keptReason = 500;

/** True when this pause is new: the one caller that is told so alerts. */
export async function insertPause(db: Queryable, pause: Omit<Pause, 'pausedAt'>): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into fahuo.pause (appid, endpoint, errcode, reason, resume_at) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [pause.appid, pause.endpoint, pause.errcode, storable(cutText(pause.reason, keptReason)), pause.resumeAt],
  );
  return rowCount === 1;
}

/** Removes the pauses of an app, or one endpoint's; returns how many there were. */
export async function deletePauses(db: Queryable, appid: string, endpoint?: Endpoint): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.pause where appid = $1 and ($2::text is null or endpoint = $2)`,
    [appid, endpoint ?? null],
  );
  return rowCount ?? 0;
}

export async function deleteEndedPauses(db: Queryable): Promise<void> {
  await db.query(`delete from fahuo.pause where resume_at <= clock_timestamp()`);
}

export async function readPauses(db: Queryable): Promise<Pause[]> {
  const { rows } = await db.query<Pause>(
    `select appid, endpoint, errcode, reason, paused_at as "pausedAt", resume_at as "resumeAt" from fahuo.pause`,
  );
  return rows;
}

/** Stops that a wrong secret, appid or token server causes (wechat.md §2.2): another one may be right. */
const tokenErrcodes = [40001, 40013, 40014, 40125, 40243, 41001, 41002, 41004, 42001];

/** Ends an app's pauses that its old secret or token server caused; how many there were. */
export async function liftTokenPauses(db: Queryable, appid: string): Promise<number> {
  const { rowCount } = await db.query('delete from fahuo.pause where appid = $1 and errcode = any ($2)', [
    appid,
    tokenErrcodes,
  ]);
  return rowCount ?? 0;
}

/** The code of a pause that a quota caused: it may be prolonged, and lifted when calls are left after all. */
export const quotaErrcode = 45009;

/** Moves the end of a quota's pause, never to an earlier time; true when it stands and was moved. */
export async function prolongQuotaPause(
  db: Queryable,
  pause: Pick<Pause, 'appid' | 'endpoint' | 'reason' | 'resumeAt'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update fahuo.pause set resume_at = greatest(resume_at, $4), reason = $3
     where appid = $1 and endpoint = $2 and errcode = ${quotaErrcode} and resume_at is not null`,
    [pause.appid, pause.endpoint, pause.reason.slice(0, 500), pause.resumeAt],
  );
  return rowCount === 1;
}

/** Ends a pause that a quota caused; true when there was one. */
export async function liftQuotaPause(db: Queryable, appid: string, endpoint: Endpoint): Promise<boolean> {
  const { rowCount } = await db.query(
    `delete from fahuo.pause where appid = $1 and endpoint = $2 and errcode = ${quotaErrcode}`,
    [appid, endpoint],
  );
  return rowCount === 1;
}
