import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AdoptDeps } from '../adopt/deps.ts';
import { readAdoptFile, type AdoptFile } from '../adopt/file.ts';
import { openShop } from '../adopt/open-shop.ts';
import { runAdopt } from '../adopt/run.ts';
import { adoptSettings } from '../adopt/settings.ts';
import type { Shop } from '../adopt/shop.ts';
import { saveFailure } from '../adopt/store.ts';
import { openCarrierList } from '../carriers/list.ts';
import { sleep, systemClock, systemRandom } from '../clock.ts';
import { FahuoError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { required, type Config } from './config.ts';
import { databaseUrlOf } from './postgres.ts';
import { opensNothing, type Context, type OpenRole } from './role.ts';

/**
 * A shop's order database → outbox, and the answers back; does nothing where no adopt file is named. A file that cannot be
 * read ends the start; a shop that is away, or has no triggers yet, is waited for and said, and no other role ends (P11).
 */
export const openAdopt: OpenRole = async (context) => {
  const { config, pool } = context;
  const path = config.adopt.file;
  if (path === '') return opensNothing(() => Promise.resolve());
  const file = loadAdoptFile(path);
  shopUrlOf(config, file);
  const carriers = await openCarrierList(pool);
  return opensNothing(async (signal) => {
    const shop = await untilApplied(context, { path, file }, signal);
    if (shop === null) return;
    await runAdopt(depsOf(context, { shop, file, carriers }), signal).finally(() => shop.close());
  });
};

const depsOf = (
  { pool, log, instance, metrics }: Context,
  given: Pick<AdoptDeps, 'shop' | 'file' | 'carriers'>,
): AdoptDeps => ({
  ...given,
  pool,
  log,
  owner: instance,
  random: systemRandom,
  newId: randomUUID,
  nowMs: () => systemClock().getTime(),
  heartbeats: metrics.heartbeats,
});

const openRetryMs = 5_000;

/** The shop, once it is there and has the triggers of this file; null when `signal` aborts first. */
async function untilApplied(
  { config, pool, log }: Context,
  { path, file }: { path: string; file: AdoptFile },
  signal: AbortSignal,
): Promise<Shop | null> {
  while (!signal.aborted) {
    try {
      return await openApplied(config, { path, file }, log);
    } catch (error) {
      log.warn({ shop: file.name, err: messageOf(error), retry_in_ms: openRetryMs }, 'adopt.waits');
      await saveFailure(pool, file.name, messageOf(error)).catch(() => undefined);
      await sleep(openRetryMs, signal);
    }
  }
  return null;
}

async function openApplied(
  config: Config,
  { path, file }: { path: string; file: AdoptFile },
  log: Log,
): Promise<Shop> {
  const shop = await openShopOf(config, file, log);
  try {
    await requireApplied(shop, { path, file });
    return shop;
  } catch (error) {
    await shop.close().catch(() => undefined);
    throw error;
  }
}

/** @throws FahuoError ADOPT_NOT_APPLIED where the shop has not the triggers of this file. */
export async function requireApplied(
  shop: Shop,
  { path, file }: { path: string; file: AdoptFile },
): Promise<void> {
  const applied = await shop.readApplied();
  if (applied === 'applied') return;
  const what = applied === 'absent' ? 'has no triggers' : 'has the triggers of another version';
  throw new FahuoError(
    'ADOPT_NOT_APPLIED',
    `the shop ${file.name} ${what} of ${path}: run fahuo adopt apply ${path}`,
  );
}

/** @throws FahuoError ADOPT_FILE_INVALID with every mistake, a line each. */
export function loadAdoptFile(path: string): AdoptFile {
  const read = readAdoptFile(textOf(path));
  if (read.kind === 'file') return read.file;
  const lines = read.problems.map(({ line, field, rule }) => `${path} line ${line}, ${field}: ${rule}`);
  throw new FahuoError('ADOPT_FILE_INVALID', lines.join('\n'));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FahuoError('ADOPT_FILE_INVALID', `${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: 'Give the path of the adopt file; docs/adopting.md says what it holds.',
    });
  }
}

/** @throws FahuoError CONFIG_INVALID, SHOP_UNREACHABLE */
export async function openShopOf(config: Config, file: AdoptFile, log: Log): Promise<Shop> {
  const databaseUrl = shopUrlOf(config, file);
  const queryTimeoutMs = Math.max(config.database.queryTimeoutMs, file.timeout_ms + 5_000);
  try {
    return await openShop({ databaseUrl, file, log, queryTimeoutMs });
  } catch (cause) {
    if (cause instanceof FahuoError) throw cause;
    throw new FahuoError(
      'SHOP_UNREACHABLE',
      `the shop at ${new URL(databaseUrl).host}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function shopUrlOf(config: Config, file: AdoptFile): string {
  const given = config.adopt.shopUrl;
  if (given === undefined && file.dialect === 'postgres') return databaseUrlOf(config);
  const databaseUrl = required(given, adoptSettings.shopUrl);
  const dialect = /^postgres(ql)?:/.test(databaseUrl) ? 'postgres' : 'mysql';
  if (dialect === file.dialect) return databaseUrl;
  throw new FahuoError(
    'CONFIG_INVALID',
    `SHOP_DATABASE_URL is a ${dialect} database, and the adopt file says dialect: ${file.dialect}`,
  );
}
