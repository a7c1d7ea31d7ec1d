import type { AttemptDeps } from './deps.ts';
import type { Recorded } from './recorder.ts';
import type { Decided, LeasedRow, Transition } from './row.ts';

export const released: Extract<Transition, { to: 'pending' }> = {
  to: 'pending',
  afterMs: 0,
  spent: false,
  detail: 'given back before it was sent',
};

/** Rows that were claimed and not sent go back as they were. */
export const release = (deps: AttemptDeps, row: LeasedRow): Promise<void> =>
  recordAttempt(deps, { row, from: 'uploading', transition: released, attempts: [] });

/** Puts a decision on record, logs it, and lets go of the row. */
export async function recordAttempt(deps: AttemptDeps, decided: Decided): Promise<void> {
  const recorded = await deps.recorder.record(decided);
  deps.leases.drop(decided.row);
  logOutcome(deps, decided, recorded);
  if (decided.transition.to !== 'unknown') deps.doorbell.ring(); // it, or the payment's next, may be due
}

function logOutcome(deps: AttemptDeps, decided: Decided, recorded: Recorded): void {
  const { row, transition } = decided;
  const line = lineOf(decided, recorded);
  deps.metrics.uploadTransitions.inc({ state: transition.to });
  switch (transition.to) {
    case 'acknowledged':
      deps.metrics.commitToAcknowledgedSeconds.observe(
        Math.max(0, deps.clock().getTime() - row.receivedAtMs) / 1000,
      );
      return deps.log.info(line, 'upload.acknowledged');
    case 'rejected':
    case 'parked':
      return deps.log.warn(line, `upload.${transition.to}`);
    case 'pending':
    case 'unknown':
      return deps.log.debug(line, 'upload.postponed');
  }
}

function lineOf({ row, transition, attempts }: Decided, recorded: Recorded): object {
  const answer = attempts.at(-1)?.answer;
  return {
    ...idsOf(row),
    state: transition.to,
    recorded,
    attempts: row.attempts,
    errcode: answer?.errcode,
    rid: answer?.rid,
    duration_ms: answer?.durationMs,
    detail: transition.detail,
  };
}

/** The fields that name a row in every line of the log. */
export const idsOf = (row: LeasedRow): object => ({
  event_id: row.eventId,
  appid: row.appid,
  payment: row.payment,
  version: row.version,
  upload_id: row.id,
  traceparent: row.traceparent ?? undefined,
});
