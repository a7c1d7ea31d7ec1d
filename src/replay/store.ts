import type { Queryable } from '../../db/client.ts';
import type { UploadState } from '../../db/states.ts';
import type { Position } from '../relay/journal/store.ts';

export type KnownUpload = { id: number; eventId: string; source: string; state: UploadState };

const columns = 'u.id, u.event_id as "eventId", u.source, u.state';

export async function readByPayment(db: Queryable, payment: string): Promise<KnownUpload[]> {
  const { rows } = await db.query<KnownUpload>(
    `select ${columns} from fahuo.upload u where u.payment = $1 order by u.version`,
    [payment],
  );
  return rows;
}

/** Where the messages of a payment lie that became uploads or dead letters. */
export async function readPositions(db: Queryable, payment: string): Promise<Position[]> {
  const { rows } = await db.query<Position>(
    `select topic, partition, "offset" from fahuo.upload where payment = $1
     union all select topic, partition, "offset" from fahuo.dead_letter where payment = $1`,
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
