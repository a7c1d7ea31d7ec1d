import type { Metrics } from '../metrics.ts';

/** The longest wait of one step: a broker that does not answer is waited for its request timeout, several times a step. */
const stepMaxMs = 40_000;

export const beat = ({ metrics }: { metrics: Metrics }): void => metrics.heartbeats.beat('relay', stepMaxMs);
