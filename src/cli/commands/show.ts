import type { Command } from 'commander';
import type { AttemptStory, ToldStory, UploadStory } from '../../console/story-store.ts';
import type { ReceiptStory } from '../../receipt/status-store.ts';
import { tellStory, type Story } from '../../console/story.ts';
import { answer, exitCodes } from '../output.ts';
import { withUploadTime } from '../../wechat/render.ts';
import { topicsOf } from '../../roles/services.ts';
import { withDatabase } from '../session.ts';
import { yuanOf } from '../yuan.ts';

export function addShow(program: Command): void {
  program
    .command('show <payment>')
    .description(
      "one payment's story: outbox, topic, every attempt, its state; by transaction_id or mchid:out_trade_no",
    )
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo show 4200001234202611230000000001')
    .action(async (payment: string, { json }: { json?: boolean }) => {
      const story = await withDatabase({ max: 2 }, ({ pool, config }) =>
        tellStory(pool, payment, topicsOf(config)),
      );
      const isKnown = story.told.length > 0 || isNamed(story);
      if (!isKnown) process.exitCode = exitCodes.nothingMatched;
      answer(json, story, () => (isKnown ? renderStory(story) : `Nothing is known of ${payment}.`));
    });
}

const time = (at: Date | null): string => at?.toISOString() ?? '-';

const isNamed = ({ outbox, uploads, receipt, deadLetters, refusedOffers, forgotten }: Story): boolean =>
  [outbox, uploads, receipt.reminders, receipt.traces, deadLetters, refusedOffers, forgotten].some(
    (rows) => rows.length > 0,
  );

export const renderStory = (story: Story): string =>
  [
    `payment ${story.payment}`,
    ...story.told.map(toldLine),
    ...(isNamed(story) ? [] : ['  no event here names it']),
    ...story.outbox.map(
      (row) =>
        `  outbox ${row.id}  ${row.version === null ? '' : `v${row.version}  `}${row.type}  event ${row.eventId}  ${time(row.createdAt)}\n    ${placeOf(row)}`,
    ),
    ...story.forgotten.map(
      (left) =>
        `  forgotten ${time(left.updatedAt)}  up to v${left.lastVersion}  ${left.finished ? 'finished' : 'not finished'}${
          left.chanceSpent ? ', its correction made' : ''
        }`,
    ),
    ...story.uploads.flatMap((upload) => [
      uploadLine(upload),
      ...notesOf(upload),
      ...(upload.tries.some(wasSent) ? [] : [bodyLine(upload)]),
      ...upload.tries.flatMap((attempt) => [...sentLine(upload, attempt), attemptLine(attempt)]),
    ]),
    ...receiptLines(story.receipt),
    ...story.deadLetters.map(
      (letter) =>
        `  dead letter ${letter.id}  ${letter.reason}  ${letter.topic}/${letter.partition}@${letter.offset}${
          letter.redrivenAt === null
            ? ''
            : `  redriven ${time(letter.redrivenAt)} by ${letter.redrivenBy ?? '-'}`
        }\n    ${letter.detail}`,
    ),
    ...story.refusedOffers.map(
      (offer) =>
        `  refused offer ${offer.id}  v${offer.version ?? '-'}  event ${offer.eventId ?? '-'}  ${time(offer.offeredAt)}\n    ${offer.detail.replaceAll('\n', '\n    ')}`,
    ),
  ].join('\n');

/** By `order_state`. */
const orderStates = [
  '',
  'to ship',
  'shipped',
  'receipt confirmed',
  'complete',
  'refunded',
  'awaiting settlement',
];

function toldLine(told: ToldStory): string {
  const { appid, orderState, amountFen } = told;
  const times: [string, Date | null][] = [
    ['paid', told.paidAt],
    ['shipped', told.shippedAt],
    ['confirmed', told.confirmedAt],
    ...(told.settledAt === null
      ? [['settles by itself', told.expectedSettlementAt] as [string, Date | null]]
      : []),
    ['settled', told.settledAt],
    ['reminded of', told.remindedAt],
  ];
  return [
    `  at WeChat  ${appid}  ${orderState === null ? 'state not told' : (orderStates[orderState] ?? orderState)}`,
    ...(amountFen === null ? [] : [`${yuanOf(amountFen)} yuan`]),
    ...times.flatMap(([word, at]) => (at === null ? [] : [`${word} ${time(at)}`])),
    `as told ${time(told.updatedAt)}`,
  ].join('  ');
}

function placeOf({ location, parked }: Story['outbox'][number]): string {
  if (location !== null)
    return `${location.topic}/${location.partition}@${location.offset}  ${time(location.publishedAt)}`;
  return parked === null
    ? 'not published, or out of the journal'
    : `parked ${parked.reason} since ${time(new Date(parked.since))}: fahuo outbox parked`;
}

const uploadLine = (upload: UploadStory): string =>
  `  upload ${upload.id}  v${upload.version}  ${upload.kind}  ${upload.state}${
    upload.parkReason === null ? '' : ` (${upload.parkReason})`
  }  from ${upload.topic}/${upload.partition}@${upload.offset}  received ${time(upload.receivedAt)}  finished ${time(upload.finishedAt)}${
    upload.detail === null ? '' : `\n    ${upload.detail}`
  }`;

const notesOf = ({ notes }: UploadStory): string[] =>
  notes === null ? [] : notes.split('\n').map((note) => `    changed at the door: ${note}`);

const wasSent = ({ kind, uploadTime }: AttemptStory): boolean => kind === 'send' && uploadTime !== null;

/** The very bytes of a send: the frozen body with the time of this attempt. */
const sentLine = ({ body, deltaBody }: UploadStory, attempt: AttemptStory): string[] =>
  wasSent(attempt) && attempt.uploadTime !== null
    ? [`    sent: ${withUploadTime(deltaBody ?? body, attempt.uploadTime)}`]
    : [];

/** The calls stand below all reminders and parcels: one about a parcel names it. */
const receiptLines = ({ reminders, traces, calls }: ReceiptStory): string[] => [
  ...reminders.map(
    ({ appid, state, origin, eventId, receivedAt, nextAttemptAt, finishedAt, detail }) =>
      `  reminder  ${appid}  ${state}  received ${time(receivedAt)} (${[origin, eventId ?? ''].join(' ').trim()})  ${
        nextAttemptAt === null ? `finished ${time(finishedAt)}` : `next look ${time(nextAttemptAt)}`
      }${detail === null ? '' : `\n    ${detail}`}`,
  ),
  ...traces.map(
    ({ appid, state, parcels, signed, detail }) =>
      `  parcels  ${appid}  ${state}  ${signed} of ${parcels} signed for${detail === null ? '' : `\n    ${detail}`}`,
  ),
  ...calls.map(
    (call) =>
      `    ${call.kind}  ${call.outcome}  errcode ${call.errcode ?? '-'}  rid ${call.rid ?? '-'}  ${time(call.calledAt)}${
        call.trackingNo === null ? '' : `  parcel ${call.trackingNo}`
      }${call.status === null ? '' : `  status ${call.status}`}`,
  ),
];

/** As WeChat gets it, but for `upload_time`. */
const bodyLine = ({ attempts, body, deltaBody }: UploadStory): string =>
  `    ${attempts > 0 ? 'sent' : 'to send'}: ${deltaBody ?? body}`;

const attemptLine = (attempt: AttemptStory): string =>
  `    ${attempt.kind} #${attempt.number}  ${attempt.outcome}  errcode ${attempt.errcode ?? '-'}  rid ${attempt.rid ?? '-'}  ${
    attempt.durationMs ?? '-'
  } ms  ${time(attempt.finishedAt)}${attempt.failure === null ? '' : `  ${attempt.failure}`}`;
