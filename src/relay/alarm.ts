import { monotonicMs } from '../clock.ts';
import type { RelayDeps } from './deps.ts';
import { sequenceRemedy } from './remedies.ts';
import { describeFault, type SequenceFault } from './sequence.ts';

const sayEveryMs = 60_000;

/** Says that a sequence stands behind the cursor: in a gauge at once, in words once a minute. */
export function createSequenceAlarm({ log, metrics }: Pick<RelayDeps, 'log' | 'metrics'>) {
  let saidAtMs: number | null = null;
  return {
    raise: (fault: SequenceFault): void => {
      metrics.relaySequenceBehind.set(1);
      metrics.relayLagRows.set(Math.max(fault.cursor, fault.greatestId) - fault.lastId);
      const nowMs = monotonicMs();
      if (saidAtMs !== null && nowMs - saidAtMs < sayEveryMs) return;
      saidAtMs = nowMs;
      const { cursor, lastId: last_id, greatestId: greatest_id } = fault;
      const remedy = sequenceRemedy(fault);
      log.error({ err: describeFault(fault), cursor, last_id, greatest_id, remedy }, 'relay.sequence_behind');
    },
    end: (): void => metrics.relaySequenceBehind.set(0),
    wasRaised: (): boolean => saidAtMs !== null,
  };
}
