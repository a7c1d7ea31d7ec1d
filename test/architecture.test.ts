import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pureFiles } from './pure-files.ts';

const root = resolve(import.meta.dirname, '..');

/** What each stage may import besides its own folder and the leaves (`src/*.ts`). `db` is the folder `db/`. */
const allowed: Record<string, string[]> = {
  shipment: [],
  outbox: ['shipment'],
  adopt: ['shipment', 'outbox', 'db'],
  kafka: [],
  relay: ['shipment', 'kafka', 'db'],
  wechat: ['shipment'],
  apps: ['wechat', 'db'],
  payments: ['relay/journal/store.ts', 'db'],
  carriers: ['shipment', 'wechat', 'apps/pause-store.ts', 'db'],
  upload: ['shipment', 'wechat', 'apps', 'db'],
  push: ['shipment/nesting.ts', 'payments/facts-store.ts', 'db'],
  receipt: [
    'shipment',
    'wechat',
    'apps',
    'upload/read-order.ts',
    'upload/alias-store.ts',
    'upload/acknowledgement-store.ts',
    'db',
  ],
  webhook: ['kafka', 'consumer/guard.ts', 'consumer/store.ts', 'db'],
  consumer: ['shipment', 'kafka', 'upload/insert-store.ts', 'db'],
  replay: [
    'shipment',
    'consumer',
    'kafka',
    'relay/journal',
    'upload/insert-store.ts',
    'upload/tombstone-store.ts',
    'db',
  ],
  reconcile: [
    'shipment',
    'wechat',
    'apps',
    'payments',
    'consumer/accepted.ts',
    'kafka/message.ts',
    'relay/journal',
    'relay/batch.ts',
    'upload/content.ts',
    'upload/read-order.ts',
    'upload/verbs-store.ts',
    'db',
  ],
  console: [
    'relay/journal',
    'carriers/store.ts',
    'adopt/status-store.ts',
    'push/status-store.ts',
    'receipt/status-store.ts',
    'webhook/status-store.ts',
    'payments',
    'reconcile/status-store.ts',
    'db',
  ],
  http: [],
  sandbox: ['shipment'],
  parts: [],
  roles: [
    'shipment',
    'adopt',
    'kafka',
    'relay',
    'wechat',
    'apps',
    'carriers',
    'adopt',
    'consumer',
    'upload',
    'replay',
    'reconcile',
    'console',
    'payments',
    'push',
    'receipt',
    'webhook',
    'http',
    'db',
  ],
  demo: ['shipment', 'adopt', 'roles', 'parts', 'sandbox', 'outbox', 'db'],
  cli: ['*'],
  db: [],
};

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) return filesBelow(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
    relative(root, resolve(root, dirname(file), match[1]!)),
  );

const stageOf = (file: string): string => {
  const [top, second, third] = file.split('/');
  if (top === 'db') return 'db';
  return third === undefined ? 'leaf' : (second ?? '');
};

function isAllowed(from: string, to: string): boolean {
  const [stage, target] = [stageOf(from), stageOf(to)];
  if (target === stage || (target === 'leaf' && to.startsWith('src/'))) return true;
  const rules = allowed[stage] ?? [];
  const path = to.replace('src/', '');
  return rules.some(
    (rule) => rule === '*' || rule === target || path === rule || path.startsWith(`${rule}/`),
  );
}

const files = [...filesBelow('src'), ...filesBelow('db')];

describe('the architecture', () => {
  it('has imports that follow the data, one way', () => {
    const broken = files.flatMap((file) =>
      importsOf(file)
        .filter((to) => !isAllowed(file, to))
        .map((to) => `${file} → ${to}`),
    );
    expect(broken).toEqual([]);
  });

  it('has a command line that nobody imports', () => {
    const importers = files.filter((file) => importsOf(file).some((to) => to.startsWith('src/cli/')));
    expect(importers.filter((file) => stageOf(file) !== 'cli')).toEqual([]);
  });

  it('has no cycle of files', () => {
    const state = new Map<string, 'open' | 'done'>();
    const visit = (file: string, path: string[]): string[] => {
      if (state.get(file) === 'done') return [];
      if (state.get(file) === 'open') return [[...path, file].join(' → ')];
      state.set(file, 'open');
      const found = importsOf(file).flatMap((to) => visit(to, [...path, file]));
      state.set(file, 'done');
      return found;
    };
    expect(
      files.filter((file) => statSync(join(root, file)).isFile()).flatMap((file) => visit(file, [])),
    ).toEqual([]);
  });

  it('has no cycle of rooms', () => {
    const below = new Map<string, Set<string>>();
    for (const file of files)
      for (const to of importsOf(file)) {
        const [from, room] = [stageOf(file), stageOf(to)];
        if (from !== room) below.set(from, (below.get(from) ?? new Set()).add(room));
      }
    const reaches = (from: string, wanted: string, seen: Set<string>): boolean =>
      [...(below.get(from) ?? [])].some((room) => {
        if (room === wanted) return true;
        if (seen.has(room)) return false;
        return reaches(room, wanted, seen.add(room));
      });
    expect([...below.keys()].filter((room) => reaches(room, room, new Set()))).toEqual([]);
  });

  it('has a command line that nobody imports', () => {
    const importers = files.filter(
      (file) => stageOf(file) !== 'cli' && importsOf(file).some((to) => stageOf(to) === 'cli'),
    );
    expect(importers).toEqual([]);
  });

  it('lets only src/kafka import a Kafka client', () => {
    const clients = /from '(kafkajs|@platformatic\/kafka)'/;
    expect(
      files.filter(
        (file) => clients.test(readFileSync(join(root, file), 'utf8')) && stageOf(file) !== 'kafka',
      ),
    ).toEqual([]);
  });

  it('keeps files that decide from reaching outside', () => {
    const outside =
      /(?:^|\n)import (?!type\b)[^;]*? from '(pg|undici|ioredis|kafkajs|@platformatic\/kafka|fastify|pino|node:(?!crypto|buffer|util)[^']+)'/;
    const own = /\bDate\.now\(|new Date\(\)|Math\.random\(|process\.env/;
    expect(
      pureFiles.filter((file) => {
        const text = readFileSync(join(root, file), 'utf8');
        return outside.test(text) || own.test(text);
      }),
    ).toEqual([]);
  });

  it('has a rule for every stage', () => {
    const stages = readdirSync(join(root, 'src')).filter((name) =>
      statSync(join(root, 'src', name)).isDirectory(),
    );
    expect(stages.filter((stage) => allowed[stage] === undefined)).toEqual([]);
  });
});
