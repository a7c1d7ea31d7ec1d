import type { Log } from '../log.ts';
import type { AdoptFile } from './file.ts';
import type { Shop } from './shop.ts';

export type ShopOptions = { databaseUrl: string; file: AdoptFile; log: Log; queryTimeoutMs: number };

/** The shop's order database, as the file's dialect says. A driver that is not needed is not loaded. */
export async function openShop(options: ShopOptions): Promise<Shop> {
  if (options.file.dialect === 'mysql') return (await import('./mysql/shop.ts')).openMysqlShop(options);
  return (await import('./postgres/shop.ts')).openPostgresShop(options);
}
