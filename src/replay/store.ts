import type { Queryable } from '../../db/client.ts';
import type { UploadState } from '../../db/states.ts';

export type KnownUpload = {
  id: number;
  appid: string;
  payment: string;
  version: number;
  eventId: string;
  state: UploadState;
  bodyHash: string;
};

const columns = `u.id, u.appid, u.payment, u.version, u.event_id as "eventId", u.state, u.body_hash as "bodyHash"`;

/** Rows that any of these events would meet, by event id or by payment and version. */
export async function readKnown(
  db: Queryable,
  events: readonly { eventId: string; appid: string; payment: string; version: number }[],
): Promise<KnownUpload[]> {
  const { rows } = await db.query<KnownUpload>(
    `select ${columns} from fahuo.upload u
     where u.event_id = any($1::text[])
        or (u.appid, u.payment, u.version) in (select * from unnest($2::text[], $3::text[], $4::int[]))`,
    [
      events.map((event) => event.eventId),
      events.map((event) => event.appid),
      events.map((event) => event.payment),
      events.map((event) => event.version),
    ],
  );
  return rows;
}

export async function readByPayment(db: Queryable, payment: string): Promise<KnownUpload[]> {
  const { rows } = await db.query<KnownUpload>(
    `select ${columns} from fahuo.upload u where u.payment = $1 order by u.version`,
    [payment],
  );
  return rows;
}

export async function readByState(db: Queryable, state: UploadState): Promise<KnownUpload[]> {
  const { rows } = await db.query<KnownUpload>(
    `select ${columns} from fahuo.upload u where u.state = $1 order by u.id`,
    [state],
  );
  return rows;
}
