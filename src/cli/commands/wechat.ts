import type { Command } from 'commander';
import { addLimits } from '../wechat/limits.ts';
import { addPages } from '../wechat/pages.ts';
import { addPhones } from '../wechat/phones.ts';
import { addReceipts } from '../wechat/receipts.ts';
import { addStanding } from '../wechat/standing.ts';

/** Calls that a person makes; none of them is made by a role. */
export function addWechat(program: Command): void {
  const wechat = program.command('wechat').description("ask WeChat, and change an app's settings there");
  addStanding(wechat);
  addPages(wechat);
  addReceipts(wechat);
  addPhones(wechat);
  addLimits(wechat);
}
