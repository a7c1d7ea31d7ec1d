import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes db/migrations anew, from db/schema and db/functions: one file of tables, one of what drizzle cannot
 * declare. Only until 0.1.0 is released; from then on migrations are forward-only.
 */
export const functionFiles = [
  'roles',
  'tables',
  'carriers',
  'event_texts',
  'event_problems',
  'same_meaning',
  'read_event',
  'enqueue',
  'combined',
  'received',
  'await_outbox',
  'outbox_partitions',
  'take_budget',
  'receipts',
  'insert_acknowledgements',
  'passed_over',
  'repair_outbox',
  'events',
  'acknowledgements',
];

const breakpoint = '\n--> statement-breakpoint\n';
export const functionsText = (): string =>
  functionFiles
    .map((name) => readFileSync(join(import.meta.dirname, 'functions', `${name}.sql`), 'utf8').trim())
    .join(breakpoint) + '\n';

const generate = (...args: string[]): void =>
  void execFileSync('npx', ['--no-install', 'drizzle-kit', 'generate', ...args], { stdio: 'inherit' });

/** The outbox is partitioned by id and its sequence has no cache: the frontier rests on both. */
function withOutbox(tables: string): string {
  const outbox = /CREATE TABLE "fahuo"\."outbox" \([\s\S]*?\n\);/.exec(tables)?.[0];
  if (outbox === undefined) throw new TypeError('no CREATE TABLE "fahuo"."outbox" in what drizzle-kit wrote');
  const sequence = 'CREATE SEQUENCE "fahuo"."outbox_id_seq" AS bigint CACHE 1;\n--> statement-breakpoint\n';
  return tables
    .replace('CREATE SCHEMA "fahuo";', 'CREATE SCHEMA IF NOT EXISTS "fahuo";')
    .replace(outbox, `${sequence}${outbox.replace(/\n\);$/, '\n) PARTITION BY RANGE ("id");')}`);
}

/** One line a table: as drizzle-kit writes them, snapshots are the longest files of the repository and nobody reads them. */
const compact = (value: unknown, depth = 2): string =>
  depth === 0 || typeof value !== 'object' || value === null || Array.isArray(value)
    ? JSON.stringify(value)
    : `{\n${Object.entries(value)
        .map(([key, member]) => `${JSON.stringify(key)}: ${compact(member, depth - 1)}`)
        .join(',\n')}\n}`;

function compactSnapshots(folder: string): void {
  for (const path of globSync(join(folder, 'meta', '*_snapshot.json')))
    writeFileSync(path, `${compact(JSON.parse(readFileSync(path, 'utf8')))}\n`);
}

function squash(): void {
  const folder = join(import.meta.dirname, 'migrations');
  rmSync(folder, { recursive: true, force: true });
  generate('--name', 'create_tables');
  generate('--custom', '--name', 'functions_and_roles');
  compactSnapshots(folder);
  const tables = join(folder, '0000_create_tables.sql');
  writeFileSync(tables, withOutbox(readFileSync(tables, 'utf8')));
  writeFileSync(join(folder, '0001_functions_and_roles.sql'), functionsText());
}

if (import.meta.main) squash();
