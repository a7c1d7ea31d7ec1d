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
  carrierAliases: setting(
    'FAHUO_CARRIER_ALIASES',
    flag(false),
    "Take a carrier's name, or another system's code, for the one delivery_id that it can mean; each is noted. The SQL door does as the instance that started last.",
  ),
};

export type ConsumerSettings = Values<typeof consumerSettings>;
