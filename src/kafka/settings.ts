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
  ssl: setting('KAFKA_SSL', flag(false), 'Speak TLS to the brokers (SSL, SASL_SSL).', [
    'KAFKA_SECURITY_PROTOCOL',
    'KAFKA_TLS',
    'KAFKA_SSL_ENABLED',
    'KAFKA_USE_TLS',
  ]),
  sslCaFile: setting(
    'KAFKA_SSL_CA_FILE',
    text(),
    "PEM file of the authorities that sign the brokers' certificates; unset trusts those of Node.",
    ['KAFKA_SSL_TRUSTSTORE_LOCATION', 'KAFKA_SSL_CA_LOCATION', 'KAFKA_CA_FILE'],
  ),
  sslCertFile: setting(
    'KAFKA_SSL_CERT_FILE',
    text(),
    'PEM file of the client certificate, and of what is between it and the authority.',
    ['KAFKA_SSL_CERTIFICATE_LOCATION', 'KAFKA_SSL_KEYSTORE_LOCATION'],
  ),
  sslKeyFile: setting('KAFKA_SSL_KEY_FILE', text(), 'PEM file of its key.', ['KAFKA_SSL_KEY_LOCATION']),
  sslKeyPassword: secret('KAFKA_SSL_KEY_PASSWORD', text(), 'Opens the key where it is encrypted.', [
    'KAFKA_SSL_KEYSTORE_PASSWORD',
    'KAFKA_SSL_KEY_PASSPHRASE',
  ]),
  sslServerName: setting(
    'KAFKA_SSL_SERVER_NAME',
    text(),
    'The name that every broker shows in its certificate, where it is not the one in KAFKA_BROKERS.',
    ['KAFKA_SSL_SERVERNAME'],
  ),
  sslVerifyHostname: setting(
    'KAFKA_SSL_VERIFY_HOSTNAME',
    flag(true),
    'false for certificates that name no host: their authority is verified all the same.',
    ['KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM', 'KAFKA_SSL_CHECK_HOSTNAME'],
  ),
  saslMechanism: setting(
    'KAFKA_SASL_MECHANISM',
    choice(['plain', 'scram-sha-256', 'scram-sha-512']),
    'How to log in, in upper or lower case; with KAFKA_SSL=true it is SASL_SSL, without it SASL_PLAINTEXT.',
    ['KAFKA_SASL_MECHANISMS'],
  ),
  saslUsername: setting('KAFKA_SASL_USERNAME', text(), 'SASL user.', ['KAFKA_SASL_USER']),
  saslPassword: secret('KAFKA_SASL_PASSWORD', text(), 'SASL password.'),
};

export type KafkaSettings = Values<typeof kafkaSettings>;
