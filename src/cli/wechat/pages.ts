import type { Command } from 'commander';
import { jumpPathProblem } from '../../wechat/special-order.ts';
import { answer, usage } from '../output.ts';
import { sayDone, sayFailure } from './say.ts';
import { withWechat, type WechatFlags } from './session.ts';

/** The pages of the mini-program that WeChat opens. */
export function addPages(wechat: Command): void {
  wechat
    .command('jump-path <path>')
    .description('set the page that WeChat opens from its shipping messages; one per app')
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat jump-path pages/order/detail')
    .action((path: string, flags: WechatFlags) => {
      const problem = jumpPathProblem(path);
      if (problem !== null) throw usage(problem);
      return withWechat(flags, async ({ wechat: client, appid }) =>
        sayDone(flags.json, { appid, path }, await client.setJumpPath(appid, path), () =>
          path === ''
            ? `${appid}: WeChat's own page is opened.`
            : `${appid}: WeChat's messages open ${path}.`,
        ),
      );
    });
  wechat
    .command('detail-path [path]')
    .description("show or set an order's page in WeChat's order centre, with ${商品订单号} in it")
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', "\nExample:\n  $ fahuo wechat detail-path 'pages/order/detail?no=${商品订单号}'")
    .action((path: string | undefined, flags: WechatFlags) =>
      path === undefined ? showDetailPath(flags) : setDetailPath(path, flags),
    );
}

const setDetailPath = (path: string, flags: WechatFlags): Promise<void> =>
  withWechat(flags, async ({ wechat, appid }) =>
    sayDone(
      flags.json,
      { appid, path },
      await wechat.setDetailPath(appid, path),
      () => `${appid}: the order centre opens ${path}.`,
    ),
  );

const showDetailPath = (flags: WechatFlags): Promise<void> =>
  withWechat(flags, async ({ wechat, appid }) => {
    const asked = await wechat.getDetailPath(appid);
    if (asked.kind === 'failed') return sayFailure(flags.json, { appid }, asked);
    answer(flags.json, { appid, path: asked.path }, () =>
      asked.path === '' ? `${appid}: none is set.` : `${appid}: ${asked.path}`,
    );
  });
