import type { Command } from 'commander';
import { userInfo } from 'node:os';
import type { Pool } from '../../../db/client.ts';
import { receiptStates } from '../../../db/states.ts';
import {
  askAgain,
  insertReceipt,
  readCalls,
  readReceipt,
  readReceipts,
  readTrace,
  type Receipt,
  type ReceiptCall,
  type Trace,
} from '../../receipt/verbs-store.ts';
import { systemClock } from '../../clock.ts';
import { readApps } from '../../roles/apps.ts';
import { isEventTime } from '../../shipment/event-time.ts';
import { table } from '../../table.ts';
import { answer, exitCodes, unknownWord, usage, wholeNumber } from '../output.ts';
import { withDatabase } from '../session.ts';
import { confirm } from './confirm.ts';
import { chosen, type WechatFlags } from './session.ts';

type NotifyFlags = WechatFlags & { receivedTime?: string; again?: boolean; reason?: string; yes?: boolean };

/** The one reminder of a payment: the role upload makes the call, under the rules of src/receipt. */
export function addReceipts(wechat: Command): void {
  wechat
    .command('receipt <payment>')
    .description("show what became of a payment's reminder to confirm receipt, with every call about it")
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat receipt 4200001234202611230000000001')
    .action(showReceipt);
  wechat
    .command('receipts')
    .description('list reminders to confirm receipt by their state, the latest first')
    .option('--state <state>', receiptStates.join(', '), 'unknown')
    .option('--limit <n>', 'at most so many', '50')
    .option('--app <appid>', 'of this app alone')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat receipts --state unknown')
    .action(listReceipts);
  wechat
    .command('notify-confirm-receive <payment>')
    .description('have the buyer reminded to confirm receipt, once; the role upload makes the call')
    .option('--received-time <time>', 'when the buyer had the goods: RFC 3339 with a zone; WeChat shows it')
    .option('--again', 'make the call once more, although the first may have had its effect')
    .option('--reason <text>', 'with --again: for those who read it later')
    .option('--yes', 'with --again: do it without asking')
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ fahuo wechat notify-confirm-receive 4200001234202611230000000001 --received-time 2026-11-26T15:04:00+08:00',
    )
    .action(notify);
}

const withApp = (flags: WechatFlags, work: (pool: Pool, appid: string) => Promise<void>): Promise<void> =>
  withDatabase({ max: 1 }, ({ pool, config }) => work(pool, chosen(readApps(config), flags).appid));

const shownCalls = 50;

const showReceipt = (payment: string, flags: WechatFlags): Promise<void> =>
  withApp(flags, async (pool, appid) => {
    const key = { appid, payment };
    const [receipt, trace] = [await readReceipt(pool, key), await readTrace(pool, key)];
    const calls = await readCalls(pool, key, shownCalls);
    if (receipt === null && trace === null) process.exitCode = exitCodes.nothingMatched;
    answer(flags.json, { appid, payment, receipt, trace, calls }, () =>
      [receiptLine(payment, receipt), ...traceLines(trace), table(calls.map(callRow))]
        .filter((line) => line !== '')
        .join('\n'),
    );
  });

async function listReceipts(flags: WechatFlags & { state: string; limit: string }): Promise<void> {
  const state = receiptStates.find((one) => one === flags.state);
  if (state === undefined) throw unknownWord('--state', flags.state, receiptStates);
  const limit = wholeNumber('--limit', flags.limit, { min: 1, max: 10_000 });
  const found = await withDatabase({ max: 1 }, ({ pool }) =>
    readReceipts(pool, { state, appid: flags.app ?? null, limit }),
  );
  if (found.length === 0) process.exitCode = exitCodes.nothingMatched;
  answer(flags.json, { state, receipts: found }, () =>
    found.length === 0
      ? `No reminder is ${state}.`
      : table(found.map((one) => [one.appid, one.payment, one.receivedAt.toISOString(), one.detail ?? ''])),
  );
}

function receiptLine(payment: string, receipt: Receipt | null): string {
  if (receipt === null) return `No reminder is asked for ${payment}.`;
  const { state, detail, sends, receivedAt } = receipt;
  if (state === 'forgotten')
    return `${payment} has had its reminder, so long ago that nothing else is kept of it.`;
  const said = `The reminder of ${payment} is ${state}: ${detail ?? 'not looked at yet'}.`;
  return `${said} Received ${receivedAt.toISOString()}, ${sends} ${sends === 1 ? 'call' : 'calls'} made.`;
}

const traceLines = (trace: Trace | null): string[] =>
  trace === null
    ? []
    : [
        `Its parcels are ${trace.state}: ${trace.signed} of ${trace.parcels} signed for${trace.detail === null ? '' : ` (${trace.detail})`}.`,
      ];

const callRow = (call: ReceiptCall): string[] => [
  call.calledAt.toISOString(),
  call.kind,
  call.outcome,
  [call.trackingNo, call.status === null ? null : `status ${call.status}`].filter(Boolean).join(' '),
  call.errcode === null ? '' : `${call.errcode} ${call.errmsg ?? ''}`,
];

/** As fahuo.check_receipt has it, and fahuo.notify_receipt for the time. */
const paymentShape = /^(?:[0-9A-Za-z_-]{1,64}|[0-9A-Za-z_-]{1,32}:[0-9A-Za-z_*-]{1,64})$/;
const firstPayment = new Date('2013-01-01T00:00:00Z');

async function notify(payment: string, flags: NotifyFlags): Promise<void> {
  const receivedAt = timeOf(flags.receivedTime);
  if (!paymentShape.test(payment)) throw usage(`${payment} must be a transaction id, or MCHID:OUT_TRADE_NO`);
  if (flags.again === true) return notifyAgain(payment, receivedAt, flags);
  if (receivedAt === null) throw usage('--received-time must say when the buyer had the goods');
  await withApp(flags, async (pool, appid) => {
    const by = userInfo().username;
    const fresh = await insertReceipt(pool, { appid, payment, receivedAt, by });
    const receipt = await readReceipt(pool, { appid, payment });
    answer(flags.json, { appid, payment, fresh, receipt }, () =>
      fresh
        ? `${payment} is reminded of when WeChat shows it as shipped: fahuo wechat receipt ${payment}.`
        : `Nothing is done. ${receiptLine(payment, receipt)}`,
    );
  });
}

async function notifyAgain(payment: string, receivedAt: Date | null, flags: NotifyFlags): Promise<void> {
  const { reason = '' } = flags;
  if (reason.trim() === '') throw usage('--again needs --reason, which says why');
  await confirm(flags.yes, {
    question: 'The buyer may have been reminded already, and a payment has one reminder.',
    word: 'again',
  });
  await withApp(flags, async (pool, appid) => {
    const by = userInfo().username;
    const done = (await askAgain(pool, { appid, payment, receivedAt, by, reason })) === 'done';
    if (!done) process.exitCode = exitCodes.nothingMatched;
    const receipt = await readReceipt(pool, { appid, payment });
    answer(flags.json, { appid, payment, again: done, receipt }, () =>
      done
        ? `${payment} is reminded of once more, after a read that shows it as shipped.`
        : `Only what is unknown or rejected can be asked for again. ${receiptLine(payment, receipt)}`,
    );
  });
}

function timeOf(text: string | undefined): Date | null {
  if (text === undefined) return null;
  if (!isEventTime(text))
    throw usage(`--received-time ${text} must be RFC 3339 with a zone, like 2026-11-26T15:04:00+08:00`);
  const at = new Date(text);
  if (at > systemClock()) throw usage(`--received-time ${text} must not be in the future`);
  if (at < firstPayment)
    throw usage(`--received-time ${text} must be when the buyer had the goods, after 2013`);
  return at;
}
