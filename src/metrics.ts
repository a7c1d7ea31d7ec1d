import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { monotonicMs } from './clock.ts';
import { Heartbeats } from './heartbeats.ts';
import { Waits } from './waits.ts';

/** Seconds; from one poll of an idle relay to a payment that WeChat cannot see for a day. */
const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 86_400];

const stepMs = 10_000;

/** What makes a metric of each kind, all in one registry. */
function kindsOf(registry: Registry) {
  const registers = [registry];
  return {
    counter: <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Counter({ name, help, labelNames, registers }),
    gauge: <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Gauge({ name, help, labelNames, registers }),
    histogram: (name: string, help: string) =>
      new Histogram({ name, help, buckets: latencyBuckets, registers }),
  };
}
type Kinds = ReturnType<typeof kindsOf>;

/** Outbox → topic. */
const relayMetrics = ({ counter, gauge }: Kinds) => ({
  relayPublished: counter('fahuo_relay_published_total', 'Outbox rows whose publication Kafka acknowledged'),
  relaySendFailures: counter(
    'fahuo_relay_send_failures_total',
    'Sends that were rejected or timed out and were made again',
  ),
  relayParked: counter('fahuo_relay_parked_total', 'Outbox rows that Kafka refused for good'),
  relayLeader: gauge('fahuo_relay_leader', '1 while this process publishes'),
  relayLagRows: gauge('fahuo_relay_lag_rows', 'Ids between the cursor and the sequence'),
  relayLagSeconds: gauge('fahuo_relay_lag_seconds', 'Age of the oldest unpublished outbox row'),
  relayHeldSeconds: gauge(
    'fahuo_relay_held_seconds',
    'Age of the writer that holds the frontier; 0 when none does',
  ),
  relayHolderSeconds: gauge(
    'fahuo_relay_holder_seconds',
    'Age of the writer that holds the frontier, by who it is and what it runs',
    ['pid', 'user', 'application', 'query'],
  ),
  relayDefaultRows: gauge(
    'fahuo_relay_default_partition_rows',
    '1 while outbox rows stand in the default partition',
  ),
  relayPartitionsMissing: gauge(
    'fahuo_relay_partitions_missing',
    'Partitions of the outbox that could not be made ahead',
  ),
  relaySequenceBehind: gauge(
    'fahuo_relay_sequence_behind',
    '1 while the relay refuses to lead because ids are drawn that the cursor has passed',
  ),
  relayPassedOver: gauge(
    'fahuo_relay_passed_over_rows',
    'Rows behind the cursor that nobody published, as last counted',
  ),
  relayParkedRows: gauge('fahuo_relay_parked_rows', 'Outbox rows that are parked now'),
});

/** Topic → upload rows. */
const consumerMetrics = ({ counter, gauge }: Kinds) => ({
  consumerMessages: counter('fahuo_consumer_messages_total', 'Messages by what became of them', ['result']),
  consumerLag: gauge('fahuo_consumer_lag_messages', 'Messages between the committed offset and the end', [
    'partition',
  ]),
  consumerLost: counter(
    'fahuo_consumer_lost_messages_total',
    'Messages that Kafka forgot before they were read',
    ['partition'],
  ),
  waiting: gauge('fahuo_waiting', '1 while a role waits for a neighbour that is away or refuses', ['role']),
});

/** WeChat's list of payments, beside what we hold. */
const reconcileMetrics = ({ counter, gauge }: Kinds) => ({
  reconcileListed: counter(
    'fahuo_reconcile_listed_total',
    'Payments that WeChat showed, by what asked for them',
    ['sweep'],
  ),
  reconcileFindings: counter(
    'fahuo_reconcile_findings_total',
    'Contradictions between WeChat and our record that two reads apart showed',
    ['kind'],
  ),
  reconcileOpen: gauge('fahuo_reconcile_open_findings', 'Contradictions that stand now', ['kind']),
  moneyPayments: gauge('fahuo_money_payments', 'Payments by where their money is', ['place']),
  moneyFen: gauge('fahuo_money_fen', 'What they cost, in fen, as far as it is known', ['place']),
  moneyUnknown: gauge('fahuo_money_amount_unknown_payments', 'Those whose amount is not known', ['place']),
  moneyDuePayments: gauge(
    'fahuo_money_due_payments',
    'Payments that are not shipped in full, by when their 48 hours end',
    ['within'],
  ),
  moneyDueFen: gauge('fahuo_money_due_fen', 'What they cost, in fen, as far as it is known', ['within']),
  reconcilePassSeconds: gauge(
    'fahuo_reconcile_pass_age_seconds',
    'Since an app’s last whole listing ended; since its first began where none has',
    ['appid', 'sweep'],
  ),
});

/** Upload rows → WeChat, and what is kept of them. */
const uploadMetrics = ({ counter, gauge, histogram }: Kinds) => ({
  uploadRows: gauge('fahuo_upload_rows', 'Upload rows by state', ['state']),
  uploadOldestSeconds: gauge(
    'fahuo_upload_oldest_pending_seconds',
    'Age of the oldest row that is not final',
  ),
  uploadAttempts: counter('fahuo_upload_attempts_total', 'Requests to WeChat by kind, outcome and errcode', [
    'kind',
    'outcome',
    'errcode',
  ]),
  uploadTransitions: counter('fahuo_upload_transitions_total', 'State changes by the state entered', [
    'state',
  ]),
  uploadInFlight: gauge('fahuo_upload_in_flight', 'Requests on the wire now'),
  uploadReads: counter('fahuo_upload_reads_total', 'Reads that decided about an unknown outcome', [
    'decision',
  ]),
  receiptTransitions: counter(
    'fahuo_receipt_transitions_total',
    'Reminders to confirm receipt by the state entered',
    ['state'],
  ),
  uploadSeconds: histogram('fahuo_upload_request_seconds', 'Duration of upload requests'),
  commitToAcknowledgedSeconds: histogram(
    'fahuo_commit_to_acknowledged_seconds',
    'From the event row’s arrival in the upload table to its acknowledgement',
  ),
  oldestRowSeconds: gauge(
    'fahuo_oldest_row_seconds',
    'Age of the oldest row that a table still keeps; 0 when it is empty',
    ['table'],
  ),
  carriers: gauge('fahuo_carriers', 'Carriers that events may name'),
  adoptWaitingRows: gauge('fahuo_adopt_waiting_rows', 'Rows of fahuo_touched that wait in an adopted shop', [
    'shop',
  ]),
  adoptWaitingSeconds: gauge('fahuo_adopt_waiting_seconds', 'Age of the oldest of them', ['shop']),
  adoptPayments: gauge('fahuo_adopt_payments', 'Payments of an adopted shop that wait for a person', [
    'shop',
    'state',
  ]),
  carriersAgeSeconds: gauge('fahuo_carriers_age_seconds', 'Since WeChat last gave its list of carriers'),
  appsReloadFailed: gauge(
    'fahuo_apps_reload_failed',
    '1 while the apps file that was read last is wrong, and the apps are those from before',
  ),
  paused: gauge('fahuo_paused', '1 while an app’s endpoint is paused', ['appid', 'endpoint']),
  wechatUnreachableSeconds: gauge(
    'fahuo_wechat_unreachable_seconds',
    'How long nothing of an app could be sent to WeChat; 0 while calls go out',
    ['appid'],
  ),
  uploadNotServed: gauge(
    'fahuo_upload_not_served',
    'Unfinished upload rows of an app that no instance serves',
    ['appid'],
  ),
});

/** WeChat's pushes → inbox → payments. */
const pushMetrics = ({ counter, gauge }: Kinds) => ({
  pushReceived: counter('fahuo_push_received_total', 'Pushes of WeChat that were verified and answered', [
    'event',
    'result',
  ]),
  pushRefused: counter('fahuo_push_refused_total', 'Requests to the push address that were refused', [
    'reason',
  ]),
  pushFailures: counter('fahuo_push_failures_total', 'Pushes that could not be kept and were answered 500'),
  pushWaiting: gauge('fahuo_push_waiting', 'Pushed events that are kept and not applied yet'),
  pushWaitingSeconds: gauge('fahuo_push_waiting_seconds', 'Age of the oldest of them'),
  pushWarnings: gauge('fahuo_push_warnings', 'Warnings that WeChat pushed in the last three days', [
    'appid',
    'event',
  ]),
});

/** Answers → the shop's own address. */
const webhookMetrics = ({ counter, gauge }: Kinds) => ({
  webhookDeliveries: counter(
    'fahuo_webhook_deliveries_total',
    'Webhooks that were posted, by what came of it',
    ['outcome'],
  ),
  webhookPassedOver: counter(
    'fahuo_webhook_passed_over_total',
    'Messages of the ack topic that are no answer, and were not posted',
  ),
  webhookWaiting: gauge('fahuo_webhook_waiting', 'Answers that the shop’s address has not taken yet'),
  webhookWaitingSeconds: gauge('fahuo_webhook_waiting_seconds', 'Age of the oldest of them'),
  webhookPaused: gauge('fahuo_webhook_paused', '1 while webhooks are paused until a person resumes them'),
  webhookForgotten: gauge('fahuo_webhook_forgotten', 'Answers that were dropped untaken, for their age'),
});

/**
 * Every metric of fahuo, listed in docs/operations.md, and the heartbeats of the loops. One registry a process, so that
 * tests do not share counters. `heartbeatMs` is the longest step of a loop.
 */
export function createMetrics(heartbeatMs = stepMs) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const kinds = kindsOf(registry);
  const loopFailures = kinds.counter(
    'fahuo_loop_failures_total',
    'Steps of a loop that threw and were made again',
    ['loop'],
  );
  const consumer = consumerMetrics(kinds);
  return {
    registry,
    loopFailures,
    waits: new Waits((role, waits) => consumer.waiting.set({ role }, Number(waits))),
    heartbeats: new Heartbeats(heartbeatMs, monotonicMs, (loop) => loopFailures.inc({ loop })),
    ...relayMetrics(kinds),
    ...consumer,
    ...uploadMetrics(kinds),
    ...pushMetrics(kinds),
    ...reconcileMetrics(kinds),
    ...webhookMetrics(kinds),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
