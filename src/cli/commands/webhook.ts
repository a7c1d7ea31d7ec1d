import type { Command } from 'commander';
import { table } from '../../table.ts';
import { readRefused, readWebhookHealth, redeliver, resumeWebhook } from '../../webhook/status-store.ts';
import { answer, exitCodes, wholeNumber } from '../output.ts';
import { withDatabase } from '../session.ts';
import { describeWebhook } from './webhook-lines.ts';

export function addWebhook(program: Command): void {
  const webhook = program
    .command('webhook')
    .description("the answers that are posted to the shop's own address");
  webhook
    .command('status')
    .description('how the address does, what waits, and what it refused and why')
    .option('--limit <n>', 'refused ones at most', '20')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo webhook status')
    .action(showStatus);
  webhook
    .command('resume')
    .description('post again after a pause; what was refused is tried at once')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo webhook resume')
    .action(async ({ json }: { json?: boolean }) => {
      const paused = await withDatabase({ max: 1 }, ({ pool }) => resumeWebhook(pool));
      if (!paused) process.exitCode = exitCodes.nothingMatched;
      answer(json, { resumed: paused }, () =>
        paused ? 'Webhooks are resumed.' : 'Webhooks were not paused; what was refused is tried again now.',
      );
    });
  webhook
    .command('redeliver <payment>')
    .description('post every answer of a payment that is kept again, in its order and with its id')
    .option('--app <appid>', 'of this app alone')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo webhook redeliver 4200001234202611230000000001')
    .action(async (payment: string, { app, json }: { app?: string; json?: boolean }) => {
      const answers = await withDatabase({ max: 1 }, ({ pool }) =>
        redeliver(pool, { payment, appid: app ?? null }),
      );
      if (answers === 0) process.exitCode = exitCodes.nothingMatched;
      answer(json, { payment, answers }, () =>
        answers === 0
          ? `No answer of ${payment} is kept for the webhook.`
          : `${answers} answers of ${payment} are posted again.`,
      );
    });
}

async function showStatus({ limit, json }: { limit: string; json?: boolean }): Promise<void> {
  const most = wholeNumber('--limit', limit, { min: 1, max: 1_000 });
  const { health, refused } = await withDatabase({ max: 1 }, async ({ pool }) => ({
    health: await readWebhookHealth(pool),
    refused: await readRefused(pool, most),
  }));
  if (health === null) process.exitCode = exitCodes.nothingMatched;
  answer(json, { webhook: health, refused }, () =>
    health === null
      ? 'No address was ever set: FAHUO_ACK_WEBHOOK_URL.'
      : [
          ...describeWebhook(health),
          ...(refused.length === 0
            ? []
            : [
                table(
                  refused.map(({ payment, webhookId, attempts, nextAttemptAt, detail }) => [
                    `  ${payment}`,
                    webhookId,
                    `${attempts} tries, next at ${nextAttemptAt.toISOString()}`,
                    detail ?? '',
                  ]),
                ),
              ]),
        ].join('\n'),
  );
}
