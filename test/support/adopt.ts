import { randomUUID } from 'node:crypto';
import { parseDocument } from 'yaml';
import type { Pool } from '../../db/client.ts';
import type { AdoptDeps } from '../../src/adopt/deps.ts';
import { readAdoptFile, type AdoptFile } from '../../src/adopt/file.ts';
import { followOnce } from '../../src/adopt/run.ts';
import type { Shop } from '../../src/adopt/shop.ts';
import { createLog } from '../../src/log.ts';
import { bundledCarriers } from '../../src/shipment/carriers.ts';
import { blocksOf, readText } from './documents.ts';

/** The adopt file of a shop as its page shows it, with what a test wants different. */
export function adoptFileOf(shop: string, changes: Record<string, unknown> = {}): AdoptFile {
  const block = blocksOf(readText(`docs/adopting/${shop}.md`)).find(({ info }) => info === 'yaml');
  return adoptFile(block?.text ?? '', changes);
}

export function adoptFile(text: string, changes: Record<string, unknown> = {}): AdoptFile {
  const document = parseDocument(text);
  for (const [field, value] of Object.entries(changes)) document.set(field, value);
  const read = readAdoptFile(String(document));
  if (read.kind === 'problems') throw new TypeError(JSON.stringify(read.problems));
  return read.file;
}

export const adoptDeps = (pool: Pool, given: { shop: Shop; file: AdoptFile; owner?: string }): AdoptDeps => ({
  owner: 'test',
  ...given,
  pool,
  log: createLog({ level: 'silent' }),
  carriers: bundledCarriers(),
  random: () => 0.5,
  newId: randomUUID,
  nowMs: () => Date.now(),
});

/** Looks until nothing is touched any more. */
export async function untilIdle(deps: AdoptDeps): Promise<void> {
  while ((await followOnce(deps)) === 'busy');
}

export type WrittenEvent = {
  type: string;
  appid: string;
  version: number;
  reason?: string;
  approved_by?: string;
  data: unknown;
};

/** The events of the outbox, in its order, as the fixtures write them. */
export async function writtenEvents(pool: Pool, afterId = 0): Promise<WrittenEvent[]> {
  const { rows } = await pool.query<
    Omit<WrittenEvent, 'data' | 'reason' | 'approved_by'> & {
      data: string;
      reason: string | null;
      approved_by: string | null;
    }
  >(
    `select type, appid, version, reason, approved_by, data from fahuo.outbox where id > $1 and type like 'fahuo.shipment.%ed.v1'
       and type <> 'fahuo.shipment.acknowledged.v1' order by id`,
    [afterId],
  );
  return rows.map(({ reason, approved_by, data, ...event }) => ({
    ...event,
    ...(reason === null ? {} : { reason }),
    ...(approved_by === null ? {} : { approved_by }),
    data: JSON.parse(data) as unknown,
  }));
}

export type ShopCase = { name: string; mode: 'tx' | 'auto'; statements: string[] };

/** The blocks of a shop's own statements; each statement by itself, `BEGIN` and `COMMIT` among them. */
export const shopCases = (text: string): ShopCase[] =>
  text
    .split(/^-- @case /m)
    .slice(1)
    .map((block) => {
      const [head = '', ...lines] = block.split('\n');
      const [name = '', mode] = head.trim().split(' @');
      const body = lines.filter((line) => !line.startsWith('--')).join('\n');
      const statements = body
        .split(/;\s*$/m)
        .map((statement) => statement.trim())
        .filter((statement) => statement !== '');
      return { name, mode: mode === 'tx' ? 'tx' : 'auto', statements };
    });

export type Expected = {
  cases: { case: string; why: string; events: WrittenEvent[] }[];
  backfill: { events: WrittenEvent[] };
};
export const expectedOf = (shop: string): Expected =>
  JSON.parse(readText(`test/support/shops/${shop}.expected.json`)) as Expected;
