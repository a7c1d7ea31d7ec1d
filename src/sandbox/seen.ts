import type { ServerResponse } from 'node:http';
import { monotonicMs } from '../clock.ts';
import type { EndpointName } from './faults.ts';

/** One upload or reminder as it stood on the wire; times of the monotonic clock. */
export type SeenRequest = {
  endpoint: EndpointName;
  /** As the sandbox calls it, and as the request did: one payment has two names. */
  payment: string;
  key: string;
  uploadTime: string | null;
  startedAtMs: number;
  /** Answered, cut off or given up by the caller; null while it is open. */
  endedAtMs: number | null;
  /** The errcode that was answered, or the fault that was met; null while neither is known. */
  answer: string | null;
};

/** The transaction_id, or `mchid:out_trade_no`; found in the text, so that a body that is not JSON has one, too. */
export const paymentIn = (body: string): string =>
  /"transaction_id"\s*:\s*"([^"]*)"/.exec(body)?.[1] ?? merchantKeyIn(body);

function merchantKeyIn(body: string): string {
  const mchid = /"(?:mchid|merchant_id)"\s*:\s*"([^"]*)"/.exec(body)?.[1];
  const trade = /"(?:out_trade_no|merchant_trade_no)"\s*:\s*"([^"]*)"/.exec(body)?.[1];
  return mchid === undefined || trade === undefined ? (trade ?? '') : `${mchid}:${trade}`;
}

/** Begins the line of a request; a caller that gives up ends it. */
export function seeRequest(
  { endpoint, body, payment, key }: { endpoint: EndpointName; body: string; payment: string; key: string },
  response: ServerResponse,
): SeenRequest {
  const seen: SeenRequest = {
    endpoint,
    payment,
    key,
    uploadTime: /"upload_time"\s*:\s*"([^"]*)"/.exec(body)?.[1] ?? null,
    startedAtMs: monotonicMs(),
    endedAtMs: null,
    answer: null,
  };
  response.once('close', () => (seen.endedAtMs ??= monotonicMs()));
  return seen;
}
