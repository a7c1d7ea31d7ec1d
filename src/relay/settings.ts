import { setting, whole, type Values } from '../setting.ts';

export const relaySettings = {
  backOffMaxMs: setting(
    'FAHUO_RELAY_REST_MS',
    whole(300, 0, 60_000),
    'How long the relay leaves the outbox to its writers, at most, while many write at once; 0 publishes at once.',
  ),
  retentionHours: setting(
    'FAHUO_RETENTION_HOURS',
    whole(168, 1, 87_600),
    'Published outbox rows are dropped after this, whole partitions where they fill.',
  ),
};

export type RelaySettings = Values<typeof relaySettings>;
