import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { backfill, kindsOf } from '../../adopt/backfill.ts';
import type { AdoptFile } from '../../adopt/file.ts';
import { clientScript } from '../../adopt/mysql/triggers.ts';
import type { Finding, Shop } from '../../adopt/shop.ts';
import { lookAtSample, readColumnFindings, readPiecemeal } from '../../adopt/sample.ts';
import { approve, dismiss, type Approved } from '../../adopt/approve.ts';
import { readAdoptStatus } from '../../adopt/status-store.ts';
import { tellAgain } from '../../adopt/store.ts';
import { createAppSet } from '../../apps/app-set.ts';
import { openCarrierList } from '../../carriers/list.ts';
import { systemClock, systemRandom } from '../../clock.ts';
import { FahuoError } from '../../errors.ts';
import { loadAdoptFile, openShopOf, requireApplied } from '../../roles/adopt.ts';
import { readApps } from '../../roles/apps.ts';
import { openWechat } from '../../roles/shared-state.ts';
import { uploadPath } from '../../wechat/client.ts';
import { parseInstant } from '../../replay/when.ts';
import { answer, exitCodes, stopSignal, usage, wholeNumber } from '../output.ts';
import { withDatabase, type Session } from '../session.ts';
import { renderCheck, renderStatus, renderTally } from './adopt-report.ts';

const examples = `
Examples:
  $ fahuo adopt check shop.yaml                 # the file, the rights, and the events of the newest orders
  $ fahuo adopt plan shop.yaml > apply.sql      # what apply would run, for review
  $ fahuo adopt apply shop.yaml
  $ fahuo adopt backfill shop.yaml --since 2026-11-01T00:00:00+08:00
  $ FAHUO_ADOPT_FILE=shop.yaml fahuo run`;

type Json = { json?: boolean };

export function addAdopt(program: Command): void {
  const adopt = program
    .command('adopt')
    .description('an order database that a shop has: its orders become events, without a change of its code')
    .addHelpText('after', examples);
  addFileCommands(adopt);
  addBackfill(adopt);
  addStatus(adopt);
  addApprovals(adopt);
}

function addFileCommands(adopt: Command): void {
  adopt
    .command('check <file>')
    .description(
      'check the file, the shop’s tables and rights, and look at its newest orders; changes nothing',
    )
    .option('--sample <n>', 'how many orders of each kind to look at', '200')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo adopt check shop.yaml --sample 1000')
    .action((path: string, { sample, json }: { sample: string } & Json) => {
      const limit = wholeNumber('--sample', sample, { min: 1, max: 10_000 });
      return withShop(path, async ({ shop, file, ...session }) => {
        const deps = await lookerOf(session, { shop, file });
        const standing = await shop.findings();
        const sampled = hasProblem(standing) ? null : await lookAtSample(deps, limit);
        const keys = sampled?.keys ?? [];
        const findings = [...standing, ...(await readColumnFindings(deps, keys))];
        const piecemeal = await readPiecemeal(deps, keys);
        const applied = await shop.readApplied();
        const report = { file: path, name: file.name, applied, findings, sampled, piecemeal };
        answer(json, report, () => renderCheck(report));
        const fails = Object.keys(sampled?.tally.failed ?? {}).length > 0;
        if (hasProblem(findings) || piecemeal.length > 0 || fails) process.exitCode = exitCodes.failed;
      });
    });
  adopt
    .command('plan <file>')
    .description('print the SQL that apply runs in the shop’s database, for review; changes nothing')
    .option('--undo', 'the SQL that undo runs')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo adopt plan shop.yaml > apply.sql')
    .action((path: string, { undo, json }: { undo?: boolean } & Json) =>
      withShop(path, async ({ shop, file }) => {
        const statements = undo === true ? await shop.planUndo() : await shop.planApply();
        answer(json, { statements }, () =>
          file.dialect === 'mysql' ? clientScript(statements) : statements.join('\n\n'),
        );
      }),
    );
  for (const [name, description, plan, done] of [
    [
      'apply',
      'make the tables and triggers of the file in the shop’s database; safe to repeat',
      'planApply',
      'applied',
    ],
    [
      'undo',
      'take everything of fahuo out of the shop’s database; what was said stays on record here',
      'planUndo',
      'undone',
    ],
  ] as const)
    adopt
      .command(`${name} <file>`)
      .description(description)
      .option('--json', 'answer in JSON')
      .addHelpText('after', `\nExample:\n  $ fahuo adopt ${name} shop.yaml`)
      .action((path: string, { json }: Json) =>
        withShop(path, async ({ shop, file, pool }) => {
          const isAnew = name === 'apply' && (await shop.readApplied()) === 'absent';
          const statements = await shop[plan]();
          await shop.run(statements);
          if (isAnew) await tellAgain(pool, file.name);
          answer(json, { name: file.name, [done]: true, statements: statements.length }, () =>
            name === 'apply'
              ? `${file.name}: ${statements.length} statements run. Orders that change from now on are seen: FAHUO_ADOPT_FILE=${path} fahuo run`
              : `${file.name}: ${statements.length} statements run. The shop's database has nothing of fahuo any more.`,
          );
        }),
      );
}

const hasProblem = (findings: readonly Finding[]): boolean =>
  findings.some(({ level }) => level === 'problem');

function addBackfill(adopt: Command): void {
  adopt
    .command('backfill <file>')
    .description('look at old orders as well; a dry run unless --execute, and goes on where it was stopped')
    .option('--execute', 'write the events')
    .option('--since <when>', 'orders of this moment and later, with a zone: 2026-11-01T00:00:00+08:00')
    .option('--rate <n>', 'orders a second at most')
    .option('--read-first', 'ask WeChat before each event, and leave alone what it shows as shipped')
    .option('--quota <n>', 'uploads a day for the estimate, instead of what WeChat says of the app')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ fahuo adopt backfill shop.yaml --since 2026-11-01T00:00:00+08:00 --read-first --execute',
    )
    .action((path: string, flags: BackfillFlags) => {
      const options = backfillOptions(flags);
      const given = flags.quota === undefined ? null : wholeNumber('--quota', flags.quota, { min: 1 });
      return withShop(path, async ({ shop, file, ...session }) => {
        if (kindsOf(file).length === 0)
          throw usage(`${path} names no table under backfill: docs/adopting.md`);
        // What changes between a walk and the triggers that come after it would be seen by nobody.
        if (options.execute) await requireApplied(shop, { path, file });
        const signal = stopSignal();
        const tally = await backfill(await lookerOf(session, { shop, file }), options, signal);
        const quota = given ?? (await readDailyQuota(session));
        const report = {
          executed: options.execute,
          complete: !signal.aborted,
          days: quota === null ? null : tally.events / quota,
          ...tally,
        };
        answer(flags.json, report, () => renderTally(report));
        if (signal.aborted) process.exitCode = exitCodes.failed;
      });
    });
}

/** What WeChat allows the app a day; null where no app is configured here, or it does not answer. */
async function readDailyQuota(session: Session): Promise<number | null> {
  try {
    const [app] = readApps(session.config);
    if (app === undefined) return null;
    const { wechat } = openWechat({ ...session, apps: createAppSet([app]) });
    const asked = await wechat.getQuota(app.appid, uploadPath);
    return asked.kind === 'quota' ? asked.dailyLimit : null;
  } catch (error) {
    if (error instanceof FahuoError) return null;
    throw error;
  }
}

type BackfillFlags = {
  execute?: boolean;
  since?: string;
  rate?: string;
  readFirst?: boolean;
  quota?: string;
} & Json;

const backfillOptions = ({ execute, since, rate, readFirst }: BackfillFlags) => ({
  execute: execute === true,
  sinceMs: since === undefined ? null : momentOf(since),
  rate: rate === undefined ? null : wholeNumber('--rate', rate, { min: 1, max: 1_000_000 }),
  readFirst: readFirst === true,
});

function momentOf(text: string): number {
  const read = parseInstant(text);
  if (read.kind === 'bad') throw usage(`--since ${text} ${read.rule}`);
  return read.at.getTime();
}

function addStatus(adopt: Command): void {
  adopt
    .command('status [name]')
    .description('what waits in the shop, what is held, proposed, skipped or fails, with reasons')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo adopt status')
    .action(async (name: string | undefined, { json }: Json) => {
      const status = await withDatabase({ max: 2 }, ({ pool }) => readAdoptStatus(pool, name ?? null));
      if (status.length === 0) process.exitCode = exitCodes.nothingMatched;
      answer(json, status, () => renderStatus(status));
    });
}

function addApprovals(adopt: Command): void {
  const outcome = (payment: string, approved: Approved): string => {
    switch (approved.kind) {
      case 'approved':
        return `${payment}: the correction is in the outbox as version ${approved.version}. It spends the payment's only re-ship chance.`;
      case 'dismissed':
        return `${payment}: the proposal is dismissed; a further change in the shop proposes anew.`;
      case 'nothing':
        return `${payment}: no correction is proposed.`;
      case 'refused':
        return `${payment}: refused: ${approved.why}`;
    }
  };
  const done = (payment: string, approved: Approved, json: boolean | undefined): void => {
    if (approved.kind === 'nothing') process.exitCode = exitCodes.nothingMatched;
    if (approved.kind === 'refused') process.exitCode = exitCodes.failed;
    answer(json, { payment, ...approved }, () => outcome(payment, approved));
  };
  adopt
    .command('approve <payment>')
    .description(
      'write the correction that is proposed for a payment: it spends the payment’s only re-ship chance',
    )
    .requiredOption('--by <name>', 'who approves it')
    .option('--reason <text>', 'instead of the proposal’s own')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo adopt approve 4200001234202611230000000001 --by "Li Lei"')
    .action(async (payment: string, { by, reason, json }: { by: string; reason?: string } & Json) => {
      const given = {
        payment,
        approvedBy: by,
        reason: reason ?? null,
        nowMs: systemClock().getTime(),
        newId: randomUUID,
      };
      done(payment, await withDatabase({ max: 1 }, ({ pool }) => approve(pool, given)), json);
    });
  adopt
    .command('dismiss <payment>')
    .description('drop the correction that is proposed for a payment; WeChat keeps what was said')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo adopt dismiss 4200001234202611230000000001')
    .action(async (payment: string, { json }: Json) =>
      done(payment, await withDatabase({ max: 1 }, ({ pool }) => dismiss(pool, payment)), json),
    );
}

type ShopSession = Session & { shop: Shop; file: AdoptFile };

function withShop<T>(path: string, work: (session: ShopSession) => Promise<T>): Promise<T> {
  const file = loadAdoptFile(path);
  return withDatabase({ max: 4, keyLookups: true }, async (session) => {
    const shop = session.opened.add('shop', await openShopOf(session.config, file, session.log), (it) =>
      it.close(),
    );
    return work({ ...session, shop, file });
  });
}

const lookerOf = async (
  { pool, log }: Pick<Session, 'pool' | 'log'>,
  given: { shop: Shop; file: AdoptFile },
) => ({
  ...given,
  pool,
  log,
  carriers: await openCarrierList(pool),
  newId: randomUUID,
  random: systemRandom,
  nowMs: () => systemClock().getTime(),
});
