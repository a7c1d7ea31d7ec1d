import type { Metrics } from '../metrics.ts';
import type { Answer } from '../wechat/answer.ts';
import { isListed } from '../wechat/outcome.ts';
import type { AttemptRecord } from './row.ts';

/**
 * The requests of one call as they go on record, in their order: a token that WeChat refused makes two of it, under one
 * `upload_time` (P6). Pure.
 */
export const recordsOf = (
  call: Omit<AttemptRecord, 'answer'>,
  { refused, answer }: { refused: Answer | null; answer: Answer },
): AttemptRecord[] => [
  ...(refused === null ? [] : [{ ...call, outcome: 'token', answer: refused }]),
  { ...call, answer },
];

/** What was not sent is no attempt (P6). */
export const wasSent = ({ answer }: AttemptRecord): boolean => answer.notSent !== true;

/** Counts a request; codes that no list has share one label, so that no answer makes a new one. */
export function countAttempt(metrics: Metrics, attempt: AttemptRecord): void {
  if (!wasSent(attempt)) return;
  const { kind, outcome, answer } = attempt;
  const { errcode } = answer;
  const label = errcode === null ? 'none' : isListed(errcode) ? String(errcode) : 'unlisted';
  metrics.uploadAttempts.inc({ kind, outcome, errcode: label });
}
