import { topicMissing } from '../errors.ts';
import type { Topics } from './batch.ts';

/** Partition counts of the topics, asked again after a failure and once a minute: partitions may be added. */
export type Routes = {
  current: () => Promise<ReadonlyMap<string, number>>;
  forget: () => void;
};

const freshForMs = 60_000;

export function createRoutes(
  deps: { partitionCount: (topic: string) => Promise<number | null> },
  topics: Topics,
): Routes {
  let known: Promise<ReadonlyMap<string, number>> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const forget = (): void => {
    clearTimeout(timer);
    known = undefined;
  };
  const readCounts = async (): Promise<ReadonlyMap<string, number>> => {
    const counts = new Map<string, number>();
    for (const topic of [topics.events, topics.acks]) {
      const count = await deps.partitionCount(topic);
      if (count === null) throw topicMissing(topic);
      counts.set(topic, count);
    }
    timer = setTimeout(forget, freshForMs).unref();
    return counts;
  };
  return {
    current: () => {
      known ??= readCounts().catch((error: unknown) => {
        forget();
        throw error;
      });
      return known;
    },
    forget,
  };
}
