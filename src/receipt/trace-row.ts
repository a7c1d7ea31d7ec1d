/** One parcel of a payment that is followed, as the table keeps it. */
export type TracedParcel = {
  tracking_no: string;
  /** What query_trace asks with; null until WeChat follows it. */
  token: string | null;
  status: number | null;
  /** RFC 3339; when it was first seen as signed for. */
  signed_at: string | null;
};

/** A claimed row. Times in milliseconds. */
export type TraceRow = {
  id: number;
  epoch: number;
  appid: string;
  payment: string;
  state: 'waiting' | 'following';
  sealedPhone: string | null;
  parcels: TracedParcel[];
  createdAtMs: number;
  waits: number;
  /** Of the payment's acknowledged upload. */
  body: string | null;
  uploadUnfinished: boolean;
};

export type TraceAdvance =
  | { to: 'waiting'; afterMs: number; detail: string; parcels: TracedParcel[] }
  | { to: 'following'; afterMs: number; detail: string; parcels: TracedParcel[] }
  | { to: 'signed'; receivedAt: Date; detail: string; parcels: TracedParcel[] }
  | { to: 'ended'; detail: string; parcels: TracedParcel[] };
