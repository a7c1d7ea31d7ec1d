import type { ParkReason, UploadCaution, UploadKind } from '../../db/states.ts';
import type { Answer } from '../wechat/answer.ts';

/** An upload row while a lease on it is ours. Times are Unix milliseconds of the database's clock. */
export type LeasedRow = {
  id: number;
  /** Fencing: an outcome is recorded only under the epoch that the claim gave. */
  epoch: number;
  appid: string;
  payment: string;
  version: number;
  kind: UploadKind;
  eventId: string;
  traceparent: string | null;
  /** The frozen request without `upload_time`. */
  body: string;
  bodyHash: string;
  /** Sent instead of `body` once it is set; see delta.ts. */
  deltaBody: string | null;
  /** Sends made, this one included once the row is `uploading`. */
  attempts: number;
  absentReads: number;
  /** Of the last send; decides how a read of an `unknown` row is taken. */
  errcode: number | null;
  /** Of the first send: every age counts from here, so that a backlog or a pause makes no row old. */
  firstSentAtMs: number;
  /** Reads that failed one after the other, and since when; null when the last one was answered. */
  failedReads: number;
  unreadSinceMs: number | null;
  receivedAtMs: number;
  uploadTimeMs: number;
  /** Another event of this payment has been sent, or may have been: read before writing (P5). */
  history: boolean;
  /** This may be the other half of a payment that its `mchid:out_trade_no` names: a read tells which. */
  loose: boolean;
  /** Why a row without such a sibling has a history all the same. */
  caution?: UploadCaution | null;
};

/** Where a claimed row goes next. The states that may be left are `uploading` and `unknown`. */
export type Transition =
  | { to: 'acknowledged'; detail: string | null }
  | { to: 'rejected'; detail: string }
  | { to: 'parked'; reason: ParkReason; detail: string; retryAfterMs: number | null }
  /** `spent` false gives the attempt back: nothing of it reached the payment. */
  | { to: 'pending'; afterMs: number; spent: boolean; failedReads?: number; detail: string }
  | { to: 'unknown'; readAfterMs: number; absentReads: number; failedReads?: number; detail: string };

/** One request as it goes on record (P6). */
export type AttemptRecord = {
  kind: 'send' | 'read';
  outcome: string;
  answer: Answer;
  uploadTimeMs: number | null;
};

/** The states in which a row is leased. */
export type ClaimedState = 'uploading' | 'unknown';

/** One decided row: where it goes and what is put on record with it. */
export type Decided<T extends Transition = Transition> = {
  row: LeasedRow;
  from: ClaimedState;
  transition: T;
  attempts: readonly AttemptRecord[];
};
