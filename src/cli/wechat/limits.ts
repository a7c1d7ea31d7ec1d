import type { Command } from 'commander';
import { table } from '../../table.ts';
import { deliveryListPath, getOrderPath, listOrdersPath, uploadPath } from '../../wechat/client.ts';
import { describeFailure, sayDone, sayFailure } from './say.ts';
import { notifyPath, queryTracePath, tracePath } from '../../wechat/receipt-calls.ts';
import { answer, exitCodes, usage } from '../output.ts';
import { confirm } from './confirm.ts';
import { withWechat, type WechatFlags } from './session.ts';

/** The paths that a running fahuo calls. */
const usedPaths = [
  uploadPath,
  getOrderPath,
  listOrdersPath,
  deliveryListPath,
  notifyPath,
  tracePath,
  queryTracePath,
];

/** What is left of WeChat's limits, and what it received. */
export function addLimits(wechat: Command): void {
  wechat
    .command('quota [paths...]')
    .description('show what is left of the daily quota of the paths that fahuo calls, or of these')
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat quota /wxa/sec/order/upload_shipping_info')
    .action(showQuotas);
  wechat
    .command('clear-quota')
    .description('set every daily counter of the app to nothing; WeChat allows ten a month')
    .option('--yes', 'do it without asking')
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat clear-quota --yes')
    .action(async (flags: WechatFlags & { yes?: boolean }) => {
      await confirm(flags.yes, {
        question: 'This spends one of the ten resets of the month, for every interface of the app.',
        word: 'clear',
      });
      await withWechat(flags, async ({ wechat: client, appid }) =>
        sayDone(
          flags.json,
          { appid },
          await client.clearQuota(appid),
          () => `${appid}: every counter is at 0.`,
        ),
      );
    });
  wechat
    .command('rid <rid>')
    .description('show what WeChat received in a request of the last seven days, by the rid of its answer')
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat rid 6745a1b2-0c3d4e5f-12ab34cd')
    .action(showRequest);
}

const showQuotas = (given: readonly string[], flags: WechatFlags): Promise<void> => {
  const wrong = given.find((path) => !path.startsWith('/'));
  if (wrong !== undefined) throw usage(`${wrong} must be a path with its leading slash and no host`);
  return withWechat(flags, async ({ wechat, appid }) => {
    const paths = given.length > 0 ? given : usedPaths;
    const asked = [];
    for (const path of paths) asked.push({ path, quota: await wechat.getQuota(appid, path) });
    if (asked.some(({ quota }) => quota.kind === 'failed')) process.exitCode = exitCodes.failed;
    const quotas = asked.map(({ path, quota }) => {
      if (quota.kind === 'failed') return { kind: 'failed' as const, path, ...describeFailure(quota) };
      const { dailyLimit, used, remain, rateLimit } = quota;
      return { kind: 'quota' as const, path, daily_limit: dailyLimit, used, remain, rate_limit: rateLimit };
    });
    answer(flags.json, { appid, quotas: quotas.map(({ kind: _kind, ...one }) => one) }, () =>
      table([
        ['path', 'limit a day', 'used', 'left', 'rate'],
        ...quotas.map((one) =>
          one.kind === 'quota'
            ? [one.path, `${one.daily_limit}`, `${one.used}`, `${one.remain}`, rateText(one.rate_limit)]
            : [one.path, `${one.errcode ?? 'no answer'} ${one.meaning}`, '', '', ''],
        ),
      ]),
    );
  });
};

const rateText = (rate: { callCount: number; refreshSecond: number } | null): string =>
  rate === null ? '' : `${rate.callCount} in ${rate.refreshSecond} s`;

const showRequest = (rid: string, flags: WechatFlags): Promise<void> =>
  withWechat(flags, async ({ wechat, appid }) => {
    const asked = await wechat.lookUpRid(appid, rid);
    if (asked.kind === 'failed') return sayFailure(flags.json, { appid, rid }, asked);
    const { request } = asked;
    const at = request.invokeTime === null ? null : new Date(request.invokeTime * 1000).toISOString();
    answer(flags.json, { appid, rid, request }, () =>
      table([
        ['at', at ?? ''],
        ['took', `${request.costInMs ?? '?'} ms`],
        ['from', request.clientIp ?? ''],
        ['url', request.requestUrl ?? ''],
        ['received', request.requestBody ?? ''],
        ['answered', request.responseBody ?? ''],
      ]),
    );
  });
