import type { Pool } from '../../../db/client.ts';
import { readStrangers, type GuardedGroup } from '../../consumer/guard.ts';
import { remedyOf, topicMissing } from '../../errors.ts';
import { topicsOf, webhookGroupOf } from '../../roles/services.ts';
import { addAdmin } from '../session.ts';
import { examine, finding, type Check, type Doctor } from './check.ts';

export async function checkKafka(doctor: Doctor, pool: Pool | null): Promise<Check[]> {
  const { kafka, consumer, webhook } = doctor.config;
  if (kafka.brokers === undefined)
    return [
      { check: 'kafka', ok: false, detail: 'KAFKA_BROKERS is not set. Set it to host:port of the brokers.' },
    ];
  const admin = addAdmin(doctor);
  const topics = topicsOf(doctor.config);
  const reached = await examine('kafka', () => admin.partitionCount(topics.events).then(() => 'reached'));
  if (!reached.ok) return [reached]; // each topic would say it again
  const checks: Check[] = [];
  for (const topic of Object.values(topics))
    checks.push(
      await examine(`topic ${topic}`, async () => {
        const count = await admin.partitionCount(topic);
        if (count === null) throw topicMissing(topic);
        return `${count} partitions`;
      }),
    );
  if (pool === null || checks[0]?.ok !== true) return [reached, ...checks];
  const examineGroup = (named: GuardedGroup): Promise<Check> =>
    examine(`group ${named.group}`, async () => {
      const { own, strangers } = await readStrangers({ pool, admin }, named);
      if (strangers.length === 0) return 'belongs to no other database';
      throw finding(
        `it belongs to the database ${strangers.join(', ')}, and this one is ${own}`,
        remedyOf('GROUP_OF_ANOTHER_DATABASE'),
      );
    });
  checks.push(await examineGroup({ group: consumer.group, topic: topics.events }));
  if (webhook.url !== undefined)
    checks.push(await examineGroup({ group: webhookGroupOf(doctor.config), topic: topics.acks }));
  return [reached, ...checks];
}
