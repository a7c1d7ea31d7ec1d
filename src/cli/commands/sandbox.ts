import type { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import type { appShape as AppShape } from '../../sandbox/apps.ts';
import type { PushTarget } from '../../sandbox/push-target.ts';
import type { SandboxOptions } from '../../sandbox/run.ts';
import { answer, stopSignal, usage, wholeNumber } from '../output.ts';

type Flags = {
  port: string;
  latency: string;
  app: string[];
  autoCreate?: boolean;
  pushUrl?: string;
  pushToken?: string;
  pushAesKey?: string;
  tokenless?: boolean;
  json?: boolean;
};

export function addSandbox(program: Command): void {
  program
    .command('sandbox')
    .description('a faithful WeChat for development, in memory; see docs/sandbox.md for its admin paths')
    .option('--port <n>', '0 takes any free port', '9471')
    .option('--latency <ms>', 'before every answer', '0')
    .option(
      '--app <appid:secret>',
      'an app and its secret; may be repeated. Without it every appid is an app, with its first secret',
      (one: string, before: string[]) => [...before, one],
      [],
    )
    .option('--auto-create', 'every payment that is asked for exists')
    .option(
      '--push-url <url>',
      'where the app’s events are pushed: http://127.0.0.1:9470/wechat/push/APPID; its last part is the appid',
    )
    .option('--push-token <token>', 'the Token of these pushes')
    .option('--push-aes-key <key>', 'their EncodingAESKey; without it they are sent in plain mode')
    .option('--tokenless', 'takes calls without a token, too, as cloud hosting does')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ fahuo sandbox --port 9471 --auto-create --app wx0123456789abcdef:secret',
    )
    .action(async (flags: Flags) => {
      const options = await optionsOf(flags);
      const signal = stopSignal();
      const { createSandbox } = await import('../../sandbox/run.ts');
      const sandbox = await createSandbox(options, systemClock);
      answer(
        flags.json,
        { url: sandbox.url },
        () => `The sandbox listens on ${sandbox.url}, and shows its page there. Ctrl-C ends it.`,
      );
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      await sandbox.stop();
    });
}

/** What no other command needs is loaded here: `fahuo run` would keep it in memory. */
async function optionsOf(flags: Flags): Promise<SandboxOptions> {
  const { appShape } = await import('../../sandbox/apps.ts');
  return {
    port: wholeNumber('--port', flags.port, { max: 65_535 }),
    latencyMs: wholeNumber('--latency', flags.latency, { max: 600_000 }),
    autoCreatePayments: flags.autoCreate === true,
    tokenless: flags.tokenless === true,
    secrets: Object.fromEntries(flags.app.map((given) => readApp(given, appShape))),
    pushTargets: flags.pushUrl === undefined ? [] : [await readTarget(flags, flags.pushUrl)],
  };
}

async function readTarget({ pushToken: token, pushAesKey }: Flags, url: string): Promise<PushTarget> {
  const { pushTargetShape } = await import('../../sandbox/push-sender.ts');
  const parsed = pushTargetShape.safeParse({
    appid: url.split(/[?#]/, 1)[0]?.split('/').at(-1),
    url,
    token,
    ...(pushAesKey === undefined ? { mode: 'plain' } : { aes_key: pushAesKey }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const flag = { token: '--push-token', aes_key: '--push-aes-key' }[String(issue?.path[0])] ?? '--push-url';
  throw usage(
    `${flag}: ${flag === '--push-token' ? 'must be given with --push-url' : (issue?.message ?? '')}`,
  );
}

/** What follows the first colon is the secret; it is not repeated in an error. */
function readApp(given: string, shape: typeof AppShape): [appid: string, secret: string] {
  const at = given.indexOf(':');
  const parsed = shape.safeParse({ appid: given.slice(0, Math.max(at, 0)), secret: given.slice(at + 1) });
  if (at < 1 || !parsed.success)
    throw usage('--app must be APPID:SECRET, like wx0123456789abcdef:secret; give it once an app');
  return [parsed.data.appid, parsed.data.secret];
}
