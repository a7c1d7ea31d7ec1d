import {
  addresses,
  choice,
  flag,
  ms,
  secret,
  setting,
  shaped,
  text,
  whole,
  type Values,
} from '../setting.ts';

export const kafkaSettings = {
  brokers: setting('KAFKA_BROKERS', addresses(), 'Kafka brokers, host:port, several with commas between.', [
    'KAFKA_BOOTSTRAP_SERVERS',
    'KAFKA_BOOTSTRAP_SERVER',
    'KAFKA_URL',
  ]),
  topic: setting(
    'KAFKA_TOPIC',
    shaped(/^[a-zA-Z0-9._-]{1,200}$/, 'must be a topic name: letters, digits, . _ -', 'fahuo.shipments'),
    'Topic of shipping events; NAME.acks and NAME.dead-letters stand beside it.',
  ),
  createTopics: setting('FAHUO_CREATE_TOPICS', flag(false), 'Create missing topics at start.'),
  topicPartitions: setting(
    'FAHUO_TOPIC_PARTITIONS',
    whole(8, 1, 1000),
    'Partitions of topics that are created.',
  ),
  requestTimeoutMs: setting(
    'KAFKA_REQUEST_TIMEOUT_MS',
    ms(10_000),
    'The longest wait for one answer of a broker; after it the relay sends the same batch again.',
  ),
  ssl: setting('KAFKA_SSL', flag(false), 'Speak TLS to the brokers.'),
  sslCaFile: setting('KAFKA_SSL_CA_FILE', text(), 'PEM file of the certificate authority.'),
  sslCertFile: setting('KAFKA_SSL_CERT_FILE', text(), 'PEM file of the client certificate.'),
  sslKeyFile: setting('KAFKA_SSL_KEY_FILE', text(), 'PEM file of the client key.'),
  saslMechanism: setting(
    'KAFKA_SASL_MECHANISM',
    choice(['plain', 'scram-sha-256', 'scram-sha-512']),
    'SASL mechanism.',
  ),
  saslUsername: setting('KAFKA_SASL_USERNAME', text(), 'SASL user.', ['KAFKA_SASL_USER']),
  saslPassword: secret('KAFKA_SASL_PASSWORD', text(), 'SASL password.'),
};

export type KafkaSettings = Values<typeof kafkaSettings>;
