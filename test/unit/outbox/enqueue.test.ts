import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Prints what an import loads: files of ours by their path, packages by their name. */
const listLoaded = `
  import { registerHooks } from 'node:module';
  const loaded = new Set();
  registerHooks({
    load: (url, context, next) => {
      const inPackage = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url);
      loaded.add(inPackage?.[1] ?? url.replace(process.env.ROOT, ''));
      return next(url, context);
    },
  });
  await import(process.env.ROOT + 'src/outbox/enqueue.ts');
  console.log(JSON.stringify([...loaded]));
`;

it('loads no driver, no Kafka client and nothing of db', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', listLoaded],
    { env: { ...process.env, ROOT: new URL('../../../', import.meta.url).href } },
  );
  const loaded = (JSON.parse(stdout) as string[]).filter((one) => !one.startsWith('node:'));
  expect(loaded).toContain('src/outbox/enqueue.ts');
  expect(loaded.filter((one) => !/^(zod$|src\/(outbox|shipment)\/|src\/[^/]+\.ts$)/.test(one))).toEqual([]);
});
