import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { startMariadb } from '../../src/parts/mariadb.ts';
import { startPostgres } from '../../src/parts/postgres.ts';
import type { LocalService } from '../../src/parts/process.ts';
import { isCleanAdoption, runAdoptCampaign } from '../campaign/adopt.ts';

/** Servers of its own: it kills them. */
let folder: string;
let ours: LocalService;
let shops: Record<'yudao' | 'likeshop', LocalService>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fahuo-shops-'));
  await chmod(folder, 0o755);
  ours = await startPostgres(folder);
  shops = { yudao: await startPostgres(folder), likeshop: await startMariadb(folder) };
});
afterAll(async () => {
  await Promise.all([ours, shops.yudao, shops.likeshop].map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

it.each(['yudao', 'likeshop'] as const)(
  '400 orders of %s, shipped by its own statements through kills, have one effect each, and none that rolled back has one',
  async (shop) => {
    const report = await runAdoptCampaign(
      { kafkaBrokers: inject('kafkaBrokers'), ours, shops: shops[shop] },
      { shop, seed: 1, orders: 400, troubles: 2, spreadMs: 8_000, only: ['kill-both', 'kill-ours'] },
    );
    console.log(JSON.stringify({ ...report, suspects: report.suspects.slice(0, 10) }));
    expect(Object.entries(report.faults).filter(([, count]) => count > 0)).toEqual([]);
    expect(report.counts.effects).toBe(report.counts.shipped);
    expect(isCleanAdoption(report)).toBe(true);
  },
);
