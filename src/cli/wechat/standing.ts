import type { Command } from 'commander';
import { isEventTime } from '../../shipment/event-time.ts';
import { orderKeyOf } from '../../shipment/payment.ts';
import { specialOrderProblem } from '../../wechat/special-order.ts';
import { answer, exitCodes, usage, wholeNumber } from '../output.ts';
import { sayDone, sayFailure } from './say.ts';
import { withWechat, type WechatFlags } from './session.ts';

/** What WeChat says of the app, and of one payment. */
export function addStanding(wechat: Command): void {
  wechat
    .command('managed')
    .description(
      'ask whether the app is under shipping management, and whether its merchant numbers are confirmed',
    )
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat managed')
    .action(showManaged);
  wechat
    .command('order <payment>')
    .description('show a payment as WeChat has it: its transaction id, or MCHID:OUT_TRADE_NO')
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat order 4200001234202611230000000001')
    .action(showOrder);
  wechat
    .command('special-order <payment>')
    .description(
      'report that a payment ships later than 15 days after it; the buyer gets a notice with the date',
    )
    .requiredOption(
      '--until <time>',
      'when it ships: RFC 3339 with a zone, at most 330 days after the payment',
    )
    .option('--type <n>', '1, a late shipment; 2 would give the buyer the money back, and is refused', '1')
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ fahuo wechat special-order 4200001234202611230000000001 --until 2027-01-15T00:00:00+08:00',
    )
    .action(reportSpecialOrder);
}

const showManaged = (flags: WechatFlags): Promise<void> =>
  withWechat(flags, async ({ wechat, appid }) => {
    const managed = await wechat.isTradeManaged(appid);
    if (managed.kind === 'failed') return sayFailure(flags.json, { appid }, managed);
    const completed = await wechat.isConfirmationCompleted(appid);
    if (completed.kind === 'failed') return sayFailure(flags.json, { appid }, completed);
    const said = { appid, is_trade_managed: managed.value, confirmation_completed: completed.value };
    answer(flags.json, said, () =>
      [
        managed.value
          ? `${appid} is under shipping management.`
          : `${appid} is not under shipping management: uploads answer 48001.`,
        completed.value
          ? 'All of its merchant numbers are authorised or unbound: every payment of theirs must be shipped here.'
          : 'Not all of its merchant numbers are authorised or unbound: finish that in the console.',
      ].join('\n'),
    );
  });

const showOrder = (payment: string, flags: WechatFlags): Promise<void> =>
  withWechat(flags, async ({ wechat, appid }) => {
    const read = await wechat.getOrder({ appid, key: orderKeyOf(payment) });
    if (read.kind === 'failed') return sayFailure(flags.json, { appid, payment }, read);
    if (read.kind === 'absent') {
      process.exitCode = exitCodes.nothingMatched;
      return answer(flags.json, { appid, payment, order: null }, () => `WeChat knows no payment ${payment}.`);
    }
    answer(flags.json, { appid, payment, order: read.order.raw }, () =>
      JSON.stringify(read.order.raw, null, 2),
    );
  });

type SpecialFlags = WechatFlags & { until: string; type: string };

async function reportSpecialOrder(payment: string, flags: SpecialFlags): Promise<void> {
  const type = wholeNumber('--type', flags.type);
  if (!isEventTime(flags.until))
    throw usage(`--until ${flags.until} must be RFC 3339 with a zone, like 2027-01-15T00:00:00+08:00`);
  const order = { type, delayToMs: Date.parse(flags.until) };
  refuse(specialOrderProblem({ ...order, paidAtMs: null }));
  await withWechat(flags, async ({ wechat, appid }) => {
    const read = await wechat.getOrder({ appid, key: orderKeyOf(payment) });
    if (read.kind === 'failed') return sayFailure(flags.json, { appid, payment }, read);
    if (read.kind === 'absent') {
      process.exitCode = exitCodes.nothingMatched;
      return answer(flags.json, { appid, payment, done: false }, () => `WeChat knows no payment ${payment}.`);
    }
    const { paidAt } = read.order;
    refuse(specialOrderProblem({ ...order, paidAtMs: paidAt === null ? null : paidAt * 1000 }));
    const orderId = read.order.transactionId ?? payment.split(':').at(-1) ?? payment;
    const delayTo = Math.floor(order.delayToMs / 1000);
    sayDone(
      flags.json,
      { appid, payment, delay_to: delayTo },
      await wechat.reportPresale({ appid, orderId, delayTo }),
      () =>
        `${payment} is reported as shipping until ${new Date(order.delayToMs).toISOString()}; the buyer is told.`,
    );
  });
}

function refuse(problem: string | null): void {
  if (problem !== null) throw usage(problem);
}
