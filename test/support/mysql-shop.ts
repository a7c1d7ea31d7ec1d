import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import type { AdoptFile } from '../../src/adopt/file.ts';
import { openMysqlShop } from '../../src/adopt/mysql/shop.ts';
import type { Shop } from '../../src/adopt/shop.ts';
import { adoptFile } from './adopt.ts';

const log = pino({ level: 'silent' });

export const shopFolder = join(import.meta.dirname, 'shops');

export const likeshopTables = (): string => readFileSync(join(shopFolder, 'likeshop.sql'), 'utf8');
export const likeshopFile = (): AdoptFile =>
  adoptFile(readFileSync(join(shopFolder, 'likeshop.yaml'), 'utf8'));

export const openShop = (databaseUrl: string, file: AdoptFile, queryTimeoutMs = 10_000): Promise<Shop> =>
  openMysqlShop({ databaseUrl, file, log, queryTimeoutMs });

/** As a person does: what the plan says, run as it stands. */
export async function applyTo(databaseUrl: string, file: AdoptFile): Promise<Shop> {
  const shop = await openShop(databaseUrl, file);
  await shop.run(await shop.planApply());
  return shop;
}

/** What waits, as `kind:ref`, in the order of the changes. */
export const touchedOf = async (shop: Shop): Promise<string[]> =>
  (await shop.takeTouched(1_000, null)).map(({ kind, ref }) => `${kind}:${ref}`);

/** The same, and forgets them. */
export async function drain(shop: Shop): Promise<string[]> {
  const taken = await shop.takeTouched(1_000, null);
  await shop.forgetTouched(taken.map(({ id }) => id));
  return taken.map(({ kind, ref }) => `${kind}:${ref}`);
}
