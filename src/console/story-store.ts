import type { Queryable } from '../../db/client.ts';
import type { AttemptKind, ParkReason, UploadKind, UploadState } from '../../db/states.ts';

export type UploadStory = {
  id: number;
  appid: string;
  payment: string;
  version: number;
  kind: UploadKind;
  eventId: string;
  state: UploadState;
  parkReason: ParkReason | null;
  topic: string;
  partition: number;
  offset: number;
  attempts: number;
  body: string;
  /** What is sent instead of `body` where the app takes new parcels alone. */
  deltaBody: string | null;
  errcode: number | null;
  errmsg: string | null;
  rid: string | null;
  detail: string | null;
  /** What the door changed in the event, one change a line. */
  notes: string | null;
  receivedAt: Date;
  finishedAt: Date | null;
  nextAttemptAt: Date;
};

/** By any appid: transaction ids do not repeat. */
export async function readUploads(db: Queryable, payment: string): Promise<UploadStory[]> {
  const { rows } = await db.query<UploadStory>(
    `select id, appid, payment, version, kind, event_id as "eventId", state, park_reason as "parkReason", topic,
       partition, "offset", attempts, body, delta_body as "deltaBody", errcode, errmsg, rid, detail, notes, received_at as "receivedAt",
       finished_at as "finishedAt",
       case when next_attempt_at = 'infinity' then null else next_attempt_at end as "nextAttemptAt"
     from fahuo.upload where payment = $1 order by appid, version`,
    [payment],
  );
  return rows;
}

/** What WeChat told of the payment, see db/schema/payment.ts; also of one that no event names. */
export type ToldStory = {
  appid: string;
  amountFen: number | null;
  orderState: number | null;
  paidAt: Date | null;
  shippedAt: Date | null;
  expectedSettlementAt: Date | null;
  confirmedAt: Date | null;
  settledAt: Date | null;
  remindedAt: Date | null;
  updatedAt: Date;
};

/** By either name; by any appid. The merchant's number may be a sub-merchant's (wechat.md §6.8). */
export async function readTold(db: Queryable, payment: string): Promise<ToldStory[]> {
  const by = (column: string): string =>
    `(${column} = split_part($1, ':', 1) and out_trade_no = split_part($1, ':', 2))`;
  const named = payment.includes(':') ? `${by('mchid')} or ${by('sub_mchid')}` : 'transaction_id = $1';
  const { rows } = await db.query<ToldStory>(
    `select appid, amount_fen as "amountFen", order_state as "orderState", paid_at as "paidAt", shipped_at as "shippedAt",
       expected_settlement_at as "expectedSettlementAt", confirmed_at as "confirmedAt", settled_at as "settledAt",
       reminded_at as "remindedAt", updated_at as "updatedAt"
     from fahuo.payment
     where ${named} order by appid`,
    [payment],
  );
  return rows;
}

export type AttemptStory = {
  uploadId: number;
  number: number;
  kind: AttemptKind;
  outcome: string;
  uploadTime: Date | null;
  httpStatus: number | null;
  errcode: number | null;
  errmsg: string | null;
  rid: string | null;
  failure: string | null;
  durationMs: number | null;
  finishedAt: Date;
};

export async function readAttempts(db: Queryable, uploadIds: readonly number[]): Promise<AttemptStory[]> {
  const { rows } = await db.query<AttemptStory>(
    `select upload_id as "uploadId", number, kind, outcome, upload_time as "uploadTime", http_status as "httpStatus",
       errcode, errmsg, rid, failure, duration_ms as "durationMs", finished_at as "finishedAt"
     from fahuo.attempt where upload_id = any($1::bigint[]) order by id`,
    [uploadIds],
  );
  return rows;
}

export type DeadLetterStory = {
  id: number;
  eventId: string | null;
  /** Where the message names one. */
  payment: string | null;
  reason: string;
  detail: string;
  topic: string;
  partition: number;
  offset: number;
  receivedAt: Date;
  redrivenAt: Date | null;
  redrivenBy: string | null;
};

const letterColumns = `id, event_id as "eventId", payment, reason, detail, topic, partition, "offset", received_at as "receivedAt",
  redriven_at as "redrivenAt", redriven_by as "redrivenBy"`;

/** Dead letters that name the payment, or one of its events; an unreadable message is found by its offset alone. */
export async function readDeadLettersOf(
  db: Queryable,
  payment: string,
  events: readonly { eventId: string; source: string }[],
): Promise<DeadLetterStory[]> {
  const { rows } = await db.query<DeadLetterStory>(
    `select ${letterColumns} from fahuo.dead_letter where payment = $1
     union select ${letterColumns} from fahuo.dead_letter l
     where l.event_id = any($2::text[]) and (l.source is null or (l.event_id, l.source) in (select * from unnest($2::text[], $3::text[])))
     order by id`,
    [payment, events.map(({ eventId }) => eventId), events.map(({ source }) => source)],
  );
  return rows;
}

export async function readDeadLetters(
  db: Queryable,
  page: { limit: number; after: number; all: boolean },
): Promise<DeadLetterStory[]> {
  const { rows } = await db.query<DeadLetterStory>(
    `select ${letterColumns} from fahuo.dead_letter
     where id > $2 ${page.all ? '' : 'and redriven_at is null'} order by id limit $1`,
    [page.limit, page.after],
  );
  return rows;
}

export type ForgottenStory = {
  appid: string;
  lastVersion: number;
  finished: boolean;
  chanceSpent: boolean;
  updatedAt: Date;
};

/** By any appid, too. */
export async function readForgotten(db: Queryable, payment: string): Promise<ForgottenStory[]> {
  const { rows } = await db.query<ForgottenStory>(
    `select appid, last_version as "lastVersion", finished, chance_spent as "chanceSpent", updated_at as "updatedAt"
     from fahuo.tombstone where payment = $1 order by appid`,
    [payment],
  );
  return rows;
}

export type RefusedOfferStory = {
  id: number;
  eventId: string | null;
  version: number | null;
  detail: string;
  offeredAt: Date;
};

/** What `fahuo.offer` was given and kept. */
export async function readRefusedOffers(db: Queryable, payment: string): Promise<RefusedOfferStory[]> {
  const { rows } = await db.query<RefusedOfferStory>(
    `select id, event_id as "eventId", version, detail, offered_at as "offeredAt"
     from fahuo.refused_offer where payment = $1 order by id`,
    [payment],
  );
  return rows;
}
