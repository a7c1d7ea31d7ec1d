import type { Piecemeal, Sampled } from '../../adopt/sample.ts';
import type { Finding } from '../../adopt/shop.ts';
import type { AdoptStatus } from '../../adopt/status-store.ts';
import type { Counted, Tally } from '../../adopt/tally.ts';
import { table } from '../../table.ts';

export type CheckReport = {
  file: string;
  name: string;
  applied: 'applied' | 'outdated' | 'absent';
  findings: readonly Finding[];
  sampled: Sampled | null;
  piecemeal: readonly Piecemeal[];
};

const appliedText = {
  applied: 'the triggers of this file are there',
  outdated: 'the triggers are those of another version of this file: fahuo adopt apply',
  absent: 'no triggers yet: fahuo adopt plan, then fahuo adopt apply',
} as const;

export function renderCheck({ file, name, applied, findings, sampled, piecemeal }: CheckReport): string {
  return [
    `${file}: in order; the shop is called ${name}`,
    `triggers: ${appliedText[applied]}`,
    ...findings.map(
      ({ level, what, remedy }) =>
        `${level === 'problem' ? 'PROBLEM' : 'warning'}  ${what}\n         ${remedy}`,
    ),
    ...piecemeal.map(
      ({ payment, key, alone, together }) =>
        `PROBLEM  payment ${payment} has ${together} parts, and the parts query gives ${alone} of them for ${key.kind} ${key.ref} alone\n         Let the query give every part of the payments that the keys belong to, or the first order to ship looks like all of them.`,
    ),
    ...(sampled === null ? [] : sampleLines(sampled)),
  ].join('\n');
}

const sampleLines = ({ tally, events }: Sampled): string[] => [
  `the newest ${tally.orders} orders: ${tally.events} events, ${tally.proposed} corrections to approve`,
  ...reasonLines(tally),
  ...events.map((event) => `  ${JSON.stringify(event)}`),
];

const reasonLines = ({ skipped, held, failed }: Pick<Tally, 'skipped' | 'held' | 'failed'>): string[] => [
  ...countedLines('skipped', skipped),
  ...countedLines('held', held),
  ...countedLines('failed', failed),
];

const countedLines = (what: string, counted: Readonly<Record<string, Counted>>): string[] =>
  Object.entries(counted).flatMap(([reason, { count, examples }]) => [
    `  ${what} ${count}: ${reason}`,
    ...(what === 'skipped' ? [] : examples.slice(0, 10).map((example) => `    ${example}`)),
  ]);

export type BackfillReport = Tally & { executed: boolean; complete: boolean; days: number | null };

export function renderTally({ executed, complete, days, ...tally }: BackfillReport): string {
  const verb = executed ? 'written' : 'to write';
  return [
    `${tally.orders} orders looked at: ${tally.events} events ${verb}, ${tally.proposed} corrections to approve`,
    ...reasonLines(tally),
    days === null
      ? 'How many days the uploads take depends on the daily quota: with WECHAT_APPID and WECHAT_SECRET WeChat is asked, or say --quota N.'
      : `Uploading takes ${days < 0.01 ? 'less than 0.01' : days.toFixed(2)} days of the app’s daily quota.`,
    ...(complete ? [] : ['Stopped before the end: the same command goes on from here.']),
    ...(executed ? [] : ['A dry run: nothing was written. --execute writes.']),
  ].join('\n');
}

export const renderStatus = (status: readonly AdoptStatus[]): string =>
  status.length === 0 ? 'No shop is adopted: fahuo adopt apply FILE.' : status.map(oneStatus).join('\n\n');

function oneStatus(shop: AdoptStatus): string {
  const since = shop.waitingSince === null ? '' : ` since ${text(shop.waitingSince)}`;
  return [
    `${shop.name}: ${shop.owner === null ? 'nobody follows it: fahuo run with FAHUO_ADOPT_FILE' : `followed by ${shop.owner}`}`,
    `  waiting  ${shop.waiting} touched rows${since}`,
    ...(shop.failure === null ? [] : [`  FAILS    ${shop.failure} (since ${text(shop.failedAt)})`]),
    table(shop.keys.map(({ state, count }) => [`  ${state}`, count])),
    ...shop.reasons.map(({ state, reason, count, example }) => `  ${state} ${count}: ${reason} (${example})`),
    ...shop.held.map(
      ({ payment, reason, detail }) => `  HELD     ${payment} ${reason ?? ''}: ${detail ?? ''}`,
    ),
    ...shop.proposals.flatMap(({ payment, why, said, proposed }) => [
      `  PROPOSED ${payment}: ${why ?? ''}`,
      `    said     ${parcelsOf(said)}`,
      `    proposed ${parcelsOf(proposed)}`,
      `    fahuo adopt approve ${payment} --by NAME spends its only re-ship chance; fahuo adopt dismiss ${payment} keeps what was said`,
    ]),
    ...(shop.rejected === 0 ? [] : [`  REJECTED ${shop.rejected} by WeChat: fahuo list --state rejected`]),
    ...shop.backfills.map(
      ({ kind, looked, events, finishedAt }) =>
        `  backfill of ${kind}: ${looked} looked at, ${events} events, ${finishedAt === null ? 'not finished' : `finished ${text(finishedAt)}`}`,
    ),
  ].join('\n');
}

const text = (when: unknown): string => (when instanceof Date ? when.toISOString() : String(when));

type Said = {
  logistics_type?: number;
  shipping_list?: { tracking_no?: string; express_company?: string; item_desc?: string }[];
};
const parcelsOf = (data: unknown): string => {
  const { logistics_type: type, shipping_list: list } = Object(data) as Said;
  const parcels = (list ?? []).map((one) =>
    [one.express_company, one.tracking_no, one.item_desc].filter(Boolean).join(' '),
  );
  return `type ${type ?? '?'}: ${parcels.join(' · ')}`;
};
