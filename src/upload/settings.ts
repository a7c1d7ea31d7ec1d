import { days, flag, ms, setting, whole, type Values } from '../setting.ts';

export const uploadSettings = {
  window: setting('FAHUO_WINDOW', whole(256, 1, 4096), 'Uploads on the wire at once, per app.'),
  readBeforeFirstSend: setting(
    'FAHUO_READ_BEFORE_FIRST_SEND',
    flag(false),
    'Read a payment before its first upload too: for shops whose staff also ships in the console. Costs one call an event.',
  ),
  acknowledgements: setting(
    'FAHUO_ACK_TOPIC',
    flag(true),
    'Publish acknowledgements to the topic NAME.acks as well.',
  ),
};

/** Of the waits in timing.ts, those that a deployment may need to change. */
export const timingSettings = {
  leaseMs: setting(
    'FAHUO_LEASE_MS',
    ms(30_000),
    'How long a claimed upload is left to its instance; more than twice the call timeout.',
  ),
  drainMs: setting('FAHUO_DRAIN_MS', ms(12_000), 'How long a stop waits for calls under way.'),
  notVisibleFirstMs: setting(
    'FAHUO_FIRST_RETRY_MS',
    ms(15_000),
    'First wait for a payment that WeChat does not know yet; then ×4 up to an hour.',
  ),
  readAfterMs: setting('FAHUO_READ_AFTER_MS', ms(2_000), 'From an unknown outcome to the first read.'),
  readGapMs: setting('FAHUO_READ_GAP_MS', ms(5_000), 'Between two reads of one payment.'),
};

export const retentionSettings = {
  uploadMs: setting(
    'FAHUO_UPLOAD_RETENTION_DAYS',
    days(400),
    'Payments whose uploads are all final for so long are forgotten; a tombstone keeps replays harmless.',
  ),
  deadLetterMs: setting(
    'FAHUO_DEAD_LETTER_DAYS',
    days(90),
    'Dead letters that are on their topic, and refused offers, are dropped after this.',
  ),
  webhookDeliveredMs: setting(
    'FAHUO_WEBHOOK_DELIVERED_DAYS',
    days(14),
    'Webhooks that were taken are forgotten after this; longer than Kafka keeps the ack topic, or a group that begins anew posts them again.',
  ),
  webhookUndeliveredMs: setting(
    'FAHUO_WEBHOOK_UNDELIVERED_DAYS',
    days(30),
    'Webhooks that nobody took are dropped after this, and counted.',
  ),
};

export type UploadSettings = Values<typeof uploadSettings>;
export type TimingSettings = Values<typeof timingSettings>;
export type RetentionSettings = Values<typeof retentionSettings>;
