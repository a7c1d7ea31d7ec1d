import type { Command } from 'commander';
import { appSecretOf } from '../../apps/app-set.ts';
import { phoneSealKey, type PhoneContext } from '../../receipt/phone.ts';
import { readApps } from '../../roles/apps.ts';
import { readConfig } from '../../roles/config.ts';
import { sealPhone } from '../../shipment/sealed-phone.ts';
import { answer, usage } from '../output.ts';
import { chosen, type WechatFlags } from './session.ts';

/** For fahuo.trace_receipt, which takes no phone in clear. Neither asks a service. */
export function addPhones(wechat: Command): void {
  wechat
    .command('seal-key')
    .description("print the key by which the shop seals buyers' phones for this app; it is no secret")
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat seal-key')
    .action((flags: WechatFlags) => {
      const app = contextOf(flags);
      const key = phoneSealKey(app);
      answer(flags.json, { appid: app.appid, key }, () => key);
    });
  wechat
    .command('seal-phone <payment>')
    .description("read a buyer's phone from standard input, and print it sealed for this payment")
    .option('--app <appid>', 'which app, where several are configured')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo wechat seal-phone 4200001234202611230000000001 < phone.txt')
    .action(async (payment: string, flags: WechatFlags) => {
      const app = contextOf(flags);
      const phone = (await readAll()).trim();
      if (phone === '')
        throw usage('standard input must hold the phone: words of a command are seen by others');
      const sealed = sealPhone(phoneSealKey(app), { appid: app.appid, payment }, phone);
      answer(flags.json, { appid: app.appid, payment, sealed_phone: sealed }, () => sealed);
    });
}

function contextOf(flags: WechatFlags): PhoneContext {
  const app = chosen(readApps(readConfig()), flags);
  const secret = appSecretOf(app);
  if (secret !== undefined) return { appid: app.appid, secret };
  throw usage(`${app.appid} has no AppSecret here, and phones are sealed by it`);
}

async function readAll(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}
