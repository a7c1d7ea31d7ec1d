import { openCarrierList } from '../carriers/list.ts';
import { systemClock } from '../clock.ts';
import { runConsumer } from '../consumer/run.ts';
import { createPublisher } from '../kafka/publisher.ts';
import { openAll } from '../opened.ts';
import type { OpenRole } from './role.ts';
import { kafkaConnection, topicsOf } from './services.ts';

/** Topic → upload rows, or dead letters. */
export const openConsume: OpenRole = ({ config, log, metrics, pool, doorbell }) =>
  openAll(log, async (opened) => {
    const connection = kafkaConnection(config);
    const publisher = opened.add('dead-letter producer', createPublisher(connection), (it) => it.close());
    const { events: topic, deadLetters: deadLetterTopic } = topicsOf(config);
    const { acknowledgements } = config.upload;
    const carriers = await openCarrierList(pool);
    const options = {
      ...config.consumer,
      topic,
      deadLetterTopic,
      acknowledgements,
      carriers,
      clock: systemClock,
    };
    const deps = { pool, log, metrics, connection, publisher, doorbell };
    return {
      run: (signal: AbortSignal) => {
        const askCarriers = (ids: readonly string[]): Promise<boolean> => carriers.ask(ids, signal);
        return runConsumer(deps, { ...options, askCarriers }, signal);
      },
    };
  });
