import type { ServerResponse } from 'node:http';
import { monotonicMs } from '../clock.ts';

/** One upload as it stood on the wire; times of the monotonic clock. */
export type SeenRequest = {
  payment: string;
  uploadTime: string | null;
  startedAtMs: number;
  /** Answered, cut off or given up by the caller; null while it is open. */
  endedAtMs: number | null;
  /** The errcode that was answered, or the fault that was met; null while neither is known. */
  answer: string | null;
};

export const paymentIn = (body: string): string =>
  /"transaction_id"\s*:\s*"([^"]*)"/.exec(body)?.[1] ??
  /"(?:out_trade_no|merchant_trade_no)"\s*:\s*"([^"]*)"/.exec(body)?.[1] ??
  '';

/** Begins the line of a request; a caller that gives up ends it. */
export function seeRequest(body: string, response: ServerResponse): SeenRequest {
  const seen: SeenRequest = {
    payment: paymentIn(body),
    uploadTime: /"upload_time"\s*:\s*"([^"]*)"/.exec(body)?.[1] ?? null,
    startedAtMs: monotonicMs(),
    endedAtMs: null,
    answer: null,
  };
  response.once('close', () => (seen.endedAtMs ??= monotonicMs()));
  return seen;
}
