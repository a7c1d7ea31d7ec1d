import { flag, ms, setting, text, type Values } from '../setting.ts';

export const consumerSettings = {
  group: setting('KAFKA_GROUP', text('fahuo'), 'Consumer group.', ['KAFKA_GROUP_ID', 'KAFKA_CONSUMER_GROUP']),
  sessionTimeoutMs: setting(
    'KAFKA_SESSION_TIMEOUT_MS',
    ms(10_000),
    'After this a consumer that died is given up; the brokers allow 6000 and more unless told otherwise.',
  ),
  maskContacts: setting(
    'FAHUO_MASK_CONTACTS',
    flag(false),
    'Mask phone numbers in contact instead of refusing clear ones.',
  ),
};

export type ConsumerSettings = Values<typeof consumerSettings>;
