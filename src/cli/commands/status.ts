import type { Command } from 'commander';
import type { Pool } from '../../../db/client.ts';
import { finalUploadStates, uploadStates, type FinalUploadState } from '../../../db/states.ts';
import { readConfig, type Config } from '../../roles/config.ts';
import { countDeadLetters, countFinal, countParked, readUnfinished } from '../../console/status-store.ts';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { sequenceRemedy } from '../../relay/remedies.ts';
import { describeFault } from '../../relay/sequence.ts';
import { readStatus, type Blocker } from '../../relay/status-store.ts';
import { readPauses } from '../../apps/pause-store.ts';
import { notServedRemedy } from '../../apps/serving.ts';
import { readNotServed, readUnreachable } from '../../apps/serving-store.ts';
import { answer, table } from '../output.ts';
import { openAdmin, openLog, openPool, topicsOf } from '../../roles/services.ts';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('what waits where: relay, topic, uploads by state, pauses, dead letters')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo status --json | jq .uploads')
    .action(async ({ json }: { json?: boolean }) => {
      const config = readConfig();
      const log = openLog(config);
      const pool = await openPool(config, log, { max: 2 });
      try {
        const status = await readAll(pool, config, log);
        answer(json, status, () => render(status));
      } finally {
        await pool.end();
      }
    });
}

type Status = Awaited<ReturnType<typeof readAll>>;

async function readAll(pool: Pool, config: Config, log: Log) {
  const final = await countFinal(pool);
  const counts = [...(await readUnfinished(pool)), ...final.counts];
  return {
    relay: await readStatus(pool, 0),
    topic: await readTopic(config, log),
    uploads: Object.fromEntries(
      uploadStates.map((state) => [state, counts.find((count) => count.state === state)?.rows ?? 0]),
    ),
    /** Of a large table the final states are what Postgres estimates. */
    uploads_estimated: final.estimated ? [...finalUploadStates] : [],
    parked: await countParked(pool),
    dead_letters: await countDeadLetters(pool),
    pauses: await readPauses(pool),
    unreachable: await readUnreachable(pool),
    not_served: await readNotServed(pool),
  };
}

/** A status without Kafka is a status still: the cluster's absence is part of it. */
async function readTopic(config: Config, log: Log) {
  const { events } = topicsOf(config);
  if (config.kafkaBrokers.length === 0) return { name: events, problem: 'KAFKA_BROKERS is not set' };
  const admin = openAdmin(config, log);
  try {
    const offsets = await admin.topicOffsets(events);
    const committed = await admin.groupOffsets(config.kafkaGroup, events);
    const lag = offsets.reduce(
      (sum, { partition, low, high }) => sum + Math.max(0, high - (committed.get(partition) ?? low)),
      0,
    );
    return { name: events, group: config.kafkaGroup, partitions: offsets.length, lag };
  } catch (error) {
    return { name: events, problem: messageOf(error) };
  } finally {
    await admin.close().catch(() => undefined);
  }
}

function render(status: Status): string {
  const { relay, topic } = status;
  return [
    `relay    cursor ${relay.cursor}, ${relay.lagRows} ids behind, oldest unpublished ${relay.lagSeconds.toFixed(1)} s, leader ${relay.owner ?? 'none'}`,
    ...(relay.oldest === null
      ? []
      : [
          `         oldest unpublished: outbox ${relay.oldest.outboxId}, event ${relay.oldest.eventId}, payment ${relay.oldest.payment}`,
        ]),
    `         ${relay.blocker === null ? 'nobody writes to the outbox now' : blockerLine(relay.blocker)}`,
    ...(relay.sequence === null
      ? []
      : [`FAULT    ${describeFault(relay.sequence)}`, `         ${sequenceRemedy(relay.sequence)}`]),
    ...(relay.parkedRows > 0 ? [parkedLine(relay)] : []),
    `topic    ${topic.name}: ${'problem' in topic ? topic.problem : `${topic.lag} messages behind (group ${topic.group})`}`,
    'uploads',
    table(
      Object.entries(status.uploads).map(([state, rows]) => [
        `  ${state}`,
        status.uploads_estimated.includes(state as FinalUploadState) ? `about ${rows}` : rows,
      ]),
    ),
    ...status.parked.map(({ reason, rows }) => `  parked ${reason}: ${rows}`),
    `dead letters ${status.dead_letters.map(({ reason, rows }) => `${reason} ${rows}`).join(', ') || 'none'}`,
    ...status.pauses.map(
      (pause) =>
        `PAUSED   ${pause.appid} ${pause.endpoint} (${pause.errcode ?? 'by hand'}): ${pause.reason}; \`fahuo resume ${pause.appid}\` lifts it`,
    ),
    ...status.unreachable.map(
      ({ appid, instance, since, reason }) =>
        `UNREACHABLE ${appid}: sends fail: ${reason} since ${since.toISOString()} (instance ${instance})`,
    ),
    ...status.not_served.map(
      ({ appid, rows, oldestAt }) =>
        `NOT SERVED ${appid}: ${rows} uploads wait since ${oldestAt.toISOString()}: ${notServedRemedy}`,
    ),
  ].join('\n');
}

const parkedLine = ({ parkedRows, releasedRows, parkedSince }: Status['relay']): string =>
  `         ${parkedRows} rows parked since ${parkedSince ?? '?'}${releasedRows > 0 ? `, ${releasedRows} of them about to be published` : ''}: fahuo outbox parked`;

const blockerLine = (blocker: Blocker): string =>
  `oldest writer: pid ${blocker.pid ?? 'none'}, ${blocker.user ?? '?'}, ${blocker.application ?? '?'}, ${blocker.ageSeconds.toFixed(1)} s: ${(blocker.query ?? '').slice(0, 80)}`;
