import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { describe, expect, inject, it } from 'vitest';
import { runProgram, shopEnv } from './programs.ts';
import type { NodeVersion } from './setup.ts';

const root = resolve(import.meta.dirname, '../..');
const versions = ['22.22.0', '24.21.0'] as const;

/** Writes a file into the shop and runs it. */
async function inShop(version: NodeVersion, name: string, text: string) {
  writeFileSync(join(inject('shop'), name), text);
  return runProgram('node', [name], { cwd: inject('shop'), env: shopEnv(version) });
}

describe.each(versions)('the exports on Node %s', (version) => {
  it('are three modules and package.json, for import', async () => {
    const { stdout, stderr } = await inShop(
      version,
      'names.mjs',
      `const names = {};
      for (const path of ['outbox', 'contract', 'sandbox']) names[path] = Object.keys(await import('fahuo/' + path));
      for (const path of ['', '/dist/src/cli/main.js', '/dist/src/outbox/enqueue.js', '/outbox.js'])
        names[path] = await import('fahuo' + path).catch(({ code }) => code);
      console.log(JSON.stringify(names));`,
    );
    expect(stderr).toBe('');
    const names = JSON.parse(stdout) as Record<string, string | string[]>;
    expect(names['outbox']).toEqual(expect.arrayContaining(['enqueue', 'enqueueCombined']));
    expect(names['contract']).toEqual(
      expect.arrayContaining(['checkEvent', 'checkCombined', 'partsOf', 'SHIPPED', 'CORRECTED', 'COMBINED']),
    );
    expect(names['sandbox']).toContain('createSandbox');
    const closed = 'ERR_PACKAGE_PATH_NOT_EXPORTED';
    expect(names).toMatchObject({ '': closed, '/outbox.js': closed, '/dist/src/cli/main.js': closed });
  });

  it('are the same for require, without a warning', async () => {
    const { stdout, stderr } = await inShop(
      version,
      'require.cjs',
      `const { enqueue } = require('fahuo/outbox');
      const { checkEvent } = require('fahuo/contract');
      const { createSandbox } = require('fahuo/sandbox');
      console.log(typeof enqueue, typeof checkEvent, typeof createSandbox, require('fahuo/package.json').name);`,
    );
    expect([stdout, stderr]).toEqual(['function function function fahuo\n', '']);
  });

  it('bring neither a database toolkit nor a Kafka client to an order service', async () => {
    const { stdout } = await inShop(version, 'loaded.mjs', loadedModules);
    const { files, kilobytes, ms } = JSON.parse(stdout) as { files: string[]; kilobytes: number; ms: number };
    process.stdout.write(
      `import 'fahuo/outbox' on Node ${version}: ${files.length} files, ${kilobytes} kB, ${ms} ms\n`,
    );
    expect(files.some((file) => file.endsWith('/outbox/enqueue.js'))).toBe(true);
    const heavy =
      /node_modules\/(drizzle-orm|kafkajs|@platformatic|pg|ioredis|fastify|undici|pino|commander)\//;
    expect(files.filter((file) => heavy.test(file))).toEqual([]);
  });
});

/** What an import loads, as Node's own loader tells it. */
const loadedModules = `import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
const files = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) files.push(fileURLToPath(url));
    return next(url, context);
  },
});
const started = performance.now();
await import('fahuo/outbox');
const ms = Math.round(performance.now() - started);
const bytes = files.reduce((sum, file) => sum + readFileSync(file).length, 0);
console.log(JSON.stringify({ files, kilobytes: Math.round(bytes / 1000), ms }));
`;

describe('the package', () => {
  it('is in order for publint', async () => {
    const tarball = readFileSync(inject('tarball'));
    const { messages, pkg } = await publint({
      pack: { tarball: new Uint8Array(tarball).buffer },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('has types that an order service compiles with, as ESM and as CommonJS, and that refuse a wrong event', async () => {
    const wrong = orderService.replace("item_desc: 'apples'", "item_desc: 'apples', colour: 'red'");
    for (const [name, text] of [
      ['service.mts', orderService],
      ['service.cts', orderService],
      ['wrong.mts', wrong],
    ] as const)
      writeFileSync(join(inject('shop'), name), text);
    const { stdout } = await compile('service.mts', 'service.cts', 'wrong.mts');
    const errors = stdout.split('\n').filter((line) => line.includes('error TS'));
    expect(errors).toEqual([expect.stringMatching(/^wrong\.mts.*'colour' does not exist/)]);
  });

  it("has types that are written out: none is a schema's, none is of a database toolkit", () => {
    const seen = new Map<string, string>();
    for (const path of ['outbox/enqueue', 'shipment/contract', 'sandbox/run'])
      follow(join(inject('shop'), 'node_modules/fahuo/dist/src', `${path}.d.ts`), seen);
    const texts = [...seen.values()];
    expect(texts.filter((text) => /z\.(infer|input|output)</.test(text))).toEqual([]);
    const foreign = new Set(texts.flatMap(importsOf).filter((name) => !name.startsWith('.')));
    expect([...foreign].filter((name) => name !== 'zod')).toEqual([]);
  });
});

const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, name]) => name!);

function follow(file: string, seen: Map<string, string>): void {
  if (seen.has(file)) return;
  const text = readFileSync(file, 'utf8');
  seen.set(file, text);
  for (const name of importsOf(text))
    if (name.startsWith('.')) follow(resolve(file, '..', name.replace(/\.js$/, '.d.ts')), seen);
}

/** The checkout's compiler on a file of the shop, as strict as it goes: declarations are checked as well. */
const compile = (...names: string[]) =>
  runProgram(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'],
      ...['--module', 'nodenext', '--target', 'es2024', '--typeRoots', '/nowhere', ...names],
    ],
    { cwd: inject('shop') },
  );

const orderService = `import { enqueue } from 'fahuo/outbox';
import { checkEvent, SHIPPED, type ShippingEvent } from 'fahuo/contract';
import { createSandbox } from 'fahuo/sandbox';

const event: ShippingEvent = {
  id: 'order-17-1',
  type: SHIPPED,
  source: '/orders',
  time: '2026-11-23T10:00:00+08:00',
  appid: 'wx0123456789abcdef',
  version: 1,
  data: {
    order_key: { order_number_type: 2, transaction_id: '4200001234202611230000000001' },
    logistics_type: 3,
    delivery_mode: 1,
    shipping_list: [{ item_desc: 'apples' }],
    payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
  },
};

export const ship = (tx: Parameters<typeof enqueue>[0]): Promise<number> => enqueue(tx, event);
export const problems = checkEvent(event, { carriers: new Map() }).kind;
export const urlOfSandbox = async (): Promise<string> => (await createSandbox({ port: 0 })).url;
`;
