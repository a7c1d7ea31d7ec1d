import type { Command } from 'commander';
import type { Pool } from '../../../db/client.ts';
import { finalUploadStates, uploadStates, type FinalUploadState } from '../../../db/states.ts';
import { readAdoptHealth, type AdoptHealth } from '../../adopt/status-store.ts';
import { readPauses } from '../../apps/pause-store.ts';
import { notServedRemedy } from '../../apps/serving.ts';
import { readNotServed, readUnreachable } from '../../apps/serving-store.ts';
import { describeAge } from '../../carriers/age.ts';
import { readCarrierState } from '../../carriers/store.ts';
import { countDeadLetters, countFinal, countParked, readUnfinished } from '../../console/status-store.ts';
import { messageOf, topicMissing } from '../../errors.ts';
import type { Admin } from '../../kafka/admin.ts';
import { whileOpen } from '../../opened.ts';
import { readPushHealth, type PushHealth } from '../../push/status-store.ts';
import { readReceiptHealth, type ReceiptHealth } from '../../receipt/status-store.ts';
import { isLed } from '../../relay/leader-store.ts';
import { sequenceRemedy } from '../../relay/remedies.ts';
import { describeFault } from '../../relay/sequence.ts';
import { readStatus, type Blocker } from '../../relay/status-store.ts';
import { topicsOf, webhookGroupOf } from '../../roles/services.ts';
import { table } from '../../table.ts';
import { describeWebhook } from './webhook-lines.ts';
import { readWebhookHealth } from '../../webhook/status-store.ts';
import { answer } from '../output.ts';
import { addAdmin, withDatabase, type Session } from '../session.ts';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('what waits where: relay, topic, uploads by state, pauses, dead letters')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo status --json | jq .uploads')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await withDatabase({ max: 2 }, readAll);
      answer(json, status, () => renderStatus(status));
    });
}

export type Status = Awaited<ReturnType<typeof readAll>>;

async function readAll(session: Session) {
  const { pool } = session;
  const final = await countFinal(pool);
  const counts = [...(await readUnfinished(pool)), ...final.counts];
  return {
    relay: await readRelay(pool),
    topic: await readTopic(session),
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
    carriers: await readCarriers(pool),
    adopted: await readAdoptHealth(pool),
    push: await readPushHealth(pool),
    receipts: await readReceiptHealth(pool),
    webhook: await readWebhookHealth(pool),
  };
}

async function readCarriers(pool: Pool) {
  const state = await readCarrierState(pool);
  return { ...state, problem: describeAge(state) };
}

/** The last leader is named beside the one that leads now: after an end of all instances it says where it was. */
async function readRelay(pool: Pool) {
  const { owner: lastOwner, ...relay } = await readStatus(pool, 0);
  return { ...relay, owner: (await isLed(pool, 0)) ? lastOwner : null, lastOwner };
}

/** A status without Kafka is a status still: the cluster's absence is part of it. */
async function readTopic(session: Session) {
  const { kafka, consumer } = session.config;
  const { events } = topicsOf(session.config);
  if (kafka.brokers === undefined) return { name: events, problem: 'KAFKA_BROKERS is not set' };
  try {
    return await whileOpen(session.log, async (opened) => {
      const admin = addAdmin({ ...session, opened });
      if ((await admin.partitionCount(events)) === null) throw topicMissing(events);
      const { partitions, lag } = await lagOf(admin, consumer.group, events);
      return { name: events, group: consumer.group, partitions, lag, ...(await readUnread(session, admin)) };
    });
  } catch (error) {
    return { name: events, problem: messageOf(error) };
  }
}

async function lagOf(
  admin: Admin,
  group: string,
  topic: string,
): Promise<{ partitions: number; lag: number }> {
  const offsets = await admin.topicOffsets(topic);
  const committed = await admin.groupOffsets(group, topic);
  const lag = offsets.reduce(
    (sum, { partition, low, high }) =>
      sum + Math.max(0, high - Math.max(low, committed.get(partition) ?? low)),
    0,
  );
  return { partitions: offsets.length, lag };
}

/** Answers on the ack topic that no webhook role has read: nobody else counts them. */
async function readUnread(
  { config }: Session,
  admin: Admin,
): Promise<{ webhook_group?: string; webhook_lag?: number }> {
  if (config.webhook.url === undefined) return {};
  const [group, { acks }] = [webhookGroupOf(config), topicsOf(config)];
  if ((await admin.partitionCount(acks)) === null) return {};
  return { webhook_group: group, webhook_lag: (await lagOf(admin, group, acks)).lag };
}

export function renderStatus(status: Status): string {
  const { topic } = status;
  return [
    ...relayLines(status.relay),
    `topic    ${topic.name}: ${'problem' in topic ? topic.problem : `${topic.lag} messages behind (group ${topic.group})`}`,
    'uploads',
    table(
      Object.entries(status.uploads).map(([state, rows]) => [
        `  ${state}`,
        status.uploads_estimated.includes(state as FinalUploadState) ? `about ${rows}` : rows,
      ]),
    ),
    ...status.parked.map(({ reason, rows }) => `  parked ${reason}: ${rows}`),
    `dead letters ${deadLetterText(status)}`,
    ...appLines(status),
    ...status.adopted.map(adoptLine),
    ...pushLines(status.push),
    ...receiptLines(status.receipts),
    ...(status.webhook === null ? [] : describeWebhook(status.webhook)),
    ...unreadLines(topic),
    ...(status.carriers.problem === null ? [] : [`CARRIERS ${status.carriers.problem}`]),
  ].join('\n');
}

function pushLines({ waiting, waitingSeconds, failure, warnings }: PushHealth): string[] {
  const why = failure === null ? '' : `: ${failure}`;
  return [
    ...(waiting === 0
      ? []
      : [`pushes   ${waiting} wait, the oldest for ${waitingSeconds.toFixed(0)} s${why}`]),
    ...warnings.map(
      ({ appid, event, count, receivedAt, text }) =>
        `WARNED   ${appid} ${event} (${count} in three days, the last at ${receivedAt.toISOString()}): ${text}`,
    ),
  ];
}

function unreadLines(topic: Status['topic']): string[] {
  if (!('webhook_lag' in topic) || !topic.webhook_lag) return [];
  return [
    `         ${topic.webhook_lag} answers are not read yet (group ${topic.webhook_group ?? ''}): if that lasts, no process has the role webhook`,
  ];
}

const receiptLines = ({ waiting, followed, unknown }: ReceiptHealth): string[] => [
  ...(waiting + followed === 0
    ? []
    : [`receipts ${waiting} waiting to be reminded of, ${followed} followed to their receipt`]),
  ...(unknown === 0
    ? []
    : [`UNKNOWN  ${unknown} of the reminders may have gone out: fahuo wechat receipts --state unknown`]),
];

const adoptLine = ({ name, owner, waiting, failure, held, proposed }: AdoptHealth): string =>
  [
    `shop     ${name}: ${waiting} touched rows wait, ${held} payments held, ${proposed} corrections to approve`,
    owner === null ? ', NOBODY follows it' : '',
    failure === null ? '' : `, FAILS: ${failure}`,
    ': fahuo adopt status',
  ].join('');

const deadLetterText = ({ dead_letters: letters }: Status): string =>
  letters.length === 0
    ? 'none'
    : `${letters.map(({ reason, rows }) => `${reason} ${rows}`).join(', ')}: fahuo dead-letters list`;

function relayLines(relay: Status['relay']): string[] {
  const { oldest, sequence, blocker } = relay;
  return [
    `relay    cursor ${relay.cursor}, ${relay.lagRows} ids behind, oldest unpublished ${relay.lagSeconds.toFixed(1)} s, leader ${leaderText(relay)}`,
    ...(oldest === null
      ? []
      : [
          `         oldest unpublished: outbox ${oldest.outboxId}, event ${oldest.eventId}, payment ${oldest.payment}`,
        ]),
    `         ${blocker === null ? 'nobody writes to the outbox now' : blockerLine(blocker)}`,
    ...(sequence === null
      ? []
      : [`FAULT    ${describeFault(sequence)}`, `         ${sequenceRemedy(sequence)}`]),
    ...(relay.parkedRows > 0 ? [parkedLine(relay)] : []),
  ];
}

const leaderText = ({ owner, lastOwner }: Status['relay']): string =>
  owner ?? (lastOwner === null ? 'none' : `none (the last was ${lastOwner})`);

const appLines = (status: Status): string[] => [
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
];

const parkedLine = ({ parkedRows, releasedRows, parkedSince }: Status['relay']): string =>
  `         ${parkedRows} rows parked since ${parkedSince ?? '?'}${releasedRows > 0 ? `, ${releasedRows} of them about to be published` : ''}: fahuo outbox parked`;

const blockerLine = (blocker: Blocker): string =>
  `oldest writer: pid ${blocker.pid ?? 'none'}, ${blocker.user ?? '?'}, ${blocker.application ?? '?'}, ${blocker.ageSeconds.toFixed(1)} s: ${(blocker.query ?? '').slice(0, 80)}`;
