import type { Queryable } from '../../db/client.ts';
import { warnings, warningText } from './event.ts';

export type PushHealth = {
  /** Events that are kept and not applied yet, and the age of the oldest of them. */
  waiting: number;
  waitingSeconds: number;
  /** Why the oldest waits. */
  failure: string | null;
  lastReceivedAt: Date | null;
  /** What WeChat warned of lately, the newest of each app and event. */
  warnings: { appid: string; event: string; count: number; receivedAt: Date; text: string }[];
};

/** WeChat repeats the one daily, and the other for as long as nobody knows (wechat.md §4, §9). */
const warnedForDays = 3;

/** By the indexes of what waits and of warnings: neither grows with the inbox. */
export async function readPushHealth(db: Queryable): Promise<PushHealth> {
  const { rows } = await db.query<Omit<PushHealth, 'warnings'>>(
    `select count(*)::int as waiting, coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)::float8
         as "waitingSeconds", (array_agg(failure order by id))[1] as failure,
       (select received_at from fahuo.push_event order by id desc limit 1) as "lastReceivedAt"
     from fahuo.push_event where applied_at is null`,
  );
  const { rows: warned } = await db.query<{
    appid: string;
    event: string;
    count: number;
    receivedAt: Date;
    body: string;
  }>(
    `select appid, event, count(*)::int as count, max(received_at) as "receivedAt",
       (array_agg(body order by id desc))[1] as body
     from fahuo.push_event where event in ('${warnings.join("', '")}')
       and received_at > clock_timestamp() - $1 * interval '1 day'
     group by appid, event order by appid, event`,
    [warnedForDays],
  );
  const none = { waiting: 0, waitingSeconds: 0, failure: null, lastReceivedAt: null };
  return {
    ...(rows[0] ?? none),
    warnings: warned.map(({ body, ...rest }) => ({ ...rest, text: warningText(body) })),
  };
}
