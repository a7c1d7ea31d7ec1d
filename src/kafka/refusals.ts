import { messageOf, topicRemedy } from '../errors.ts';

type Nested = { type?: unknown; cause?: unknown; message?: unknown };

/** The broker's own words for an error, as Kafka's protocol has them; kafkajs nests them in errors of its own. */
export function kafkaTypes(error: unknown): string[] {
  const { type, cause } = Object(error) as Nested;
  const own = typeof type === 'string' ? [type] : [];
  return cause === undefined || cause === error ? own : [...own, ...kafkaTypes(cause)];
}

/** What an operator does about a consumer that waits; undefined where time alone helps. */
export function consumerRemedy(
  error: unknown,
  { topic, groupId }: { topic: string; groupId: string },
): string | undefined {
  const types = kafkaTypes(error);
  if (types.includes('TOPIC_AUTHORIZATION_FAILED')) return rightsRemedy(`--topic ${topic}`);
  if (types.includes('GROUP_AUTHORIZATION_FAILED')) return rightsRemedy(`--group ${groupId}`);
  return messageOf(error).includes('does not host this topic-partition') ? topicRemedy(topic) : undefined;
}

const rightsRemedy = (resource: string): string =>
  `Give the user that fahuo connects with READ: \`kafka-acls.sh --bootstrap-server HOST:PORT --add --allow-principal User:NAME --operation READ ${resource}\`. The consumer goes on by itself.`;
