import type { FinalReceiptState } from '../../db/states.ts';

/** A claimed row. Times in milliseconds of the database's clock. */
export type ReceiptRow = {
  id: number;
  epoch: number;
  appid: string;
  payment: string;
  state: 'pending' | 'unknown';
  receivedAtMs: number;
  createdAtMs: number;
  /** Of the last call; null before the first. */
  sentAtMs: number | null;
  waits: number;
  sends: number;
  /** An upload of the payment is not final yet. */
  uploadUnfinished: boolean;
};

/** What is to become of a row. `afterMs` null: nobody looks at it again by itself. */
export type Advance =
  | { to: 'pending'; afterMs: number; detail: string }
  | { to: 'unknown'; afterMs: number | null; detail: string }
  | { to: FinalReceiptState; detail: string };

export type BeforeSend = Advance | { to: 'send'; transactionId: string };
/** `spent`: the call was, or may have been, on the wire. */
export type AfterSend = Advance & { spent: boolean };
