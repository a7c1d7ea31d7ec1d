import { runRetention } from '../upload/retention.ts';
import { opensNothing, type OpenRole } from './role.ts';

const hourMs = 3_600_000;
const everyMs = 600_000;
/** A group that rebalances is silent for less; what comes later all the same is read, and never restated. */
const olderQuietMs = 60_000;

/** In every process, whatever its roles: one of them does it. */
export const openRetention: OpenRole = ({ config, log, pool, instance }) => {
  const options = {
    ...config.retention,
    instance,
    outboxMs: config.relay.retentionHours * hourMs,
    acknowledgements: config.upload.acknowledgements,
    olderQuietMs,
    everyMs,
  };
  return opensNothing((signal) => runRetention({ pool, log }, options, signal));
};
