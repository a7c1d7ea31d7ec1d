import { Kafka, logLevel } from 'kafkajs';
import { patchKafkajs } from '../../src/kafka/kafkajs-patches.ts';
import { received } from '../../src/kafka/received.ts';
import { answerRequests } from './child.ts';

/**
 * A bare kafkajs eachBatch loop: it counts, and for events that a latency run wrote (`…@<µs of the machine's monotone
 * clock>` as event id) it keeps how old they were. Nothing else: it commits no offsets.
 */
const options = JSON.parse(process.argv[2]!) as { brokers: string; topic: string; group: string };
patchKafkajs();
const consumer = new Kafka({
  clientId: 'counter',
  brokers: options.brokers.split(','),
  logLevel: logLevel.NOTHING,
}).consumer({ groupId: options.group, maxWaitTimeInMs: 500, maxBytes: 2_097_152 });

let count = 0;
let agesUs: number[] = [];

/** Ours are `ce_id`, those of the outbox's peers `id`. */
function eventIdOf(message: Parameters<typeof received>[2]): string {
  const { headers } = received(options.topic, 0, message);
  return (headers['ce_id'] ?? headers['id'] ?? '').toString();
}

await consumer.connect();
await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatch: ({ batch }) => {
    count += batch.messages.length;
    const nowUs = Number(process.hrtime.bigint() / 1_000n);
    for (const message of batch.messages) {
      const sentUs = Number(eventIdOf(message).split('@')[1] ?? Number.NaN);
      if (!Number.isNaN(sentUs)) agesUs.push(nowUs - sentUs);
    }
    return Promise.resolve();
  },
});

/** What was seen since the last time that somebody asked. */
answerRequests(() => {
  const answer = { count, agesUs };
  agesUs = [];
  return Promise.resolve(answer);
});
