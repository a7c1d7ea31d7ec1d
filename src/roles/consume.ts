import { runConsumer } from '../consumer/run.ts';
import { createPublisher } from '../kafka/publisher.ts';
import { openAll } from '../opened.ts';
import { bundledCarriers } from '../shipment/carriers.ts';
import type { OpenRole } from './role.ts';
import { kafkaConnection, topicsOf } from './services.ts';

/** Topic → upload rows, or dead letters. */
export const openConsume: OpenRole = ({ config, log, metrics, pool, doorbell }) =>
  openAll(log, async (opened) => {
    const connection = kafkaConnection(config);
    const publisher = opened.add('dead-letter producer', createPublisher(connection), (it) => it.close());
    const { events: topic, deadLetters: deadLetterTopic } = topicsOf(config);
    const { acknowledgements } = config.upload;
    const options = {
      ...config.consumer,
      topic,
      deadLetterTopic,
      acknowledgements,
      carriers: bundledCarriers(),
    };
    const deps = { pool, log, metrics, connection, publisher, doorbell };
    return Promise.resolve({ run: (signal: AbortSignal) => runConsumer(deps, options, signal) });
  });
