import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { shippedEvent } from '../support/events.ts';
import { fahuo, runProgram, shopEnv, startInstalled } from './programs.ts';

const root = resolve(import.meta.dirname, '../..');
const { version: ours } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

describe.each(['18.20.8', '20.20.2'] as const)('the package on Node %s', (version) => {
  it('says in one line what is needed', async () => {
    const { code, stdout, stderr } = await fahuo(version, ['run']);
    expect(stderr).toBe(
      `fahuo: Node 22.22 or newer is needed, and this is Node ${version}. Install it from nodejs.org, or use the image node:24.\n`,
    );
    expect([code, stdout]).toEqual([1, '']);
  });
});

describe.each(['22.22.0', '24.21.0'] as const)('the package on Node %s', (version) => {
  it('has a command that npx finds, and no warning', async () => {
    const { code, stdout, stderr } = await runProgram('npx', ['--no', '--', 'fahuo', '--version'], {
      cwd: inject('shop'),
      env: shopEnv(version),
    });
    expect([code, stdout, stderr]).toEqual([0, `${ours}\n`, '']);
  });

  it('checks events without any service, every problem with line, field, value and rule', async () => {
    const good = JSON.stringify(shippedEvent());
    const wrong = JSON.stringify({ ...shippedEvent(), version: '1' });
    const file = join(inject('shop'), 'events.ndjson');
    writeFileSync(file, `${good}\n${wrong}\n{"id":\n`);
    expect(await fahuo(version, ['check', '-'], { input: good })).toMatchObject({ code: 0, stderr: '' });

    const { code, stdout } = await fahuo(version, ['check', file, '--json']);
    const { events, problems } = JSON.parse(stdout) as { events: number; problems: unknown[] };
    expect([code, events]).toEqual([1, 3]);
    expect(problems).toEqual([
      { line: 2, field: 'version', value: '"1"', rule: expect.stringContaining('number') as string },
      { line: 3, field: 'event', value: 'no JSON', rule: expect.stringContaining('JSON') as string },
    ]);
  });

  it('runs with the heap flags in one process, which a signal reaches', async () => {
    const sandbox = await startInstalled(version, ['sandbox', '--port', '0', '--json']);
    const { url } = JSON.parse(sandbox.line) as { url: string };
    expect((await fetch(`${url}/_sandbox/stats`)).ok).toBe(true);
    expect(await sandbox.stop('SIGINT')).toMatchObject({ code: 0, signal: null });
    await expect(fetch(`${url}/_sandbox/stats`)).rejects.toThrow();
  });

  it('gives a young generation of 16 MB at most', async () => {
    const preload = join(inject('shop'), 'young.mjs');
    writeFileSync(preload, youngGeneration);
    const { stdout } = await fahuo(version, ['--help'], { env: { NODE_OPTIONS: `--import=${preload}` } });
    const [, young] = [...stdout.matchAll(/young (\d+)/g)].at(-1)!; // the first start has no flags yet
    expect(Number(young)).toBeLessThanOrEqual(16);
  });
});

/** Allocates until the young generation has grown as far as it may. */
const youngGeneration = `import v8 from 'node:v8';
const kept = [];
let largest = 0;
for (let round = 0; round < 60; round++) {
  for (let i = 0; i < 20_000; i++) kept.push({ i, pair: [i, i + 1] });
  if (kept.length > 200_000) kept.length = 0;
  const young = v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
  largest = Math.max(largest, young.space_size);
}
console.log('young ' + Math.round(largest / 2 ** 20));
`;

describe('fahuo check', () => {
  it('ends with 2 when there is nothing to check', async () => {
    const { code, stderr } = await fahuo('24.21.0', ['check', '/nowhere']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('/nowhere cannot be read')]);
  });
});

describe('the checkout', () => {
  it('has the command by npx as well, on the oldest Node that runs it', async () => {
    const { code, stdout, stderr } = await runProgram('npx', ['fahuo', '--version'], {
      cwd: root,
      env: shopEnv('22.22.0', { npm_config_cache: join(inject('shop'), '../npx-cache') }),
    });
    expect([code, stdout, stderr]).toEqual([0, `${ours}\n`, '']);
  });
});

describe('the tarball', () => {
  it('is small, and holds what runs, its documents and nothing else', async () => {
    const { stdout } = await runProgram('tar', ['tf', inject('tarball')]);
    const files = stdout
      .trim()
      .split('\n')
      .map((file) => file.replace('package/', ''));
    const bytes = statSync(inject('tarball')).size;
    process.stdout.write(`the package: ${files.length} files, ${Math.round(bytes / 1_000)} kB packed\n`);
    const data = globSync('src/**/*.{tsv,json,xml,sql,yaml}', { cwd: root }).map((file) => `dist/${file}`);
    const others = files.filter(
      (file) => !/^dist\/(src|db)\/.*\.(js|d\.ts)$/.test(file) && !/^docs\/.*\.(md|yml)$/.test(file),
    );
    expect(others.filter((file) => !/^dist\/db\/migrations\/\d+_\w+\.sql$/.test(file)).sort()).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'README.zh-CN.md',
        'SECURITY.md',
        'dist/db/migrations/meta/_journal.json',
        'docs/examples/Upload.java',
        'docs/examples/upload.go',
        'docs/examples/upload.php',
        'package.json',
        'src/cli/entry.js',
        ...data,
      ].sort(),
    );
    expect(bytes).toBeLessThan(650_000);
  });
});
