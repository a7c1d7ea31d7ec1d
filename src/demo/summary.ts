/** What the first run shows at its end. */
export type Summary = {
  orders: number;
  outcomes: Readonly<Record<string, number>>;
  effects: { ship: number; add: number; reship: number };
  /** Payments at the sandbox with another number of effects than one. */
  notOnce: number;
  latenciesMs: readonly number[];
  totalMs: number;
};

export const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

/** Every order accounted for, one refused by design, one effect for each of the others. */
export const isAsDesigned = ({ orders, outcomes, effects, notOnce }: Summary): boolean =>
  outcomes['acknowledged'] === orders - 1 &&
  outcomes['rejected'] === 1 &&
  effects.ship === orders - 1 &&
  effects.add === 0 &&
  effects.reship === 0 &&
  notOnce === 0;

export function renderSummary(summary: Summary): string {
  const { outcomes, effects, latenciesMs } = summary;
  const of = (state: string): number => outcomes[state] ?? 0;
  const others = Object.entries(outcomes).filter(([state]) => !['acknowledged', 'rejected'].includes(state));
  return [
    '',
    `orders shipped        ${summary.orders}`,
    `acknowledged          ${of('acknowledged')}   (one answer was lost and read back; one payment was invisible at first)`,
    `rejected              ${of('rejected')}   (one event named the carrier "sf": the answer suggests "SF")`,
    ...others.map(([state, rows]) => `${state.padEnd(22)}${rows}`),
    `effects at WeChat     ${effects.ship} shipped, ${effects.add} added, ${effects.reship} re-ships`,
    `payments not once     ${summary.notOnce}`,
    `commit to ack         p50 ${percentile(latenciesMs, 0.5).toFixed(0)} ms, p99 ${percentile(latenciesMs, 0.99).toFixed(0)} ms (the two slow ones waited by design)`,
    `total                 ${(summary.totalMs / 1000).toFixed(1)} s`,
    isAsDesigned(summary)
      ? 'Every order is accounted for, each payment with exactly one effect.'
      : 'NOT AS DESIGNED.',
  ].join('\n');
}
