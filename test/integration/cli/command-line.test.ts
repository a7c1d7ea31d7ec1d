import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { envText } from '../../../src/roles/env-text.ts';
import { shippedEvent } from '../../support/events.ts';
import { runFahuo } from '../../support/fahuo-process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fahuo-line-'));
});

/** As somebody types it in that folder; it fails at the first setting that it misses or that is wrong. */
const status = (words: string[] = [], env: Record<string, string> = {}) =>
  runFahuo(['status', ...words], { FAHUO_LOG_LEVEL: 'silent', ...env }, folder);

describe('settings from a file', () => {
  it('are those of .env in the working folder, where the environment has none', async () => {
    writeFileSync(join(folder, '.env'), 'FAHUO_WINDOW=many\nKAFKA_BROKERS=nowhere\n');
    const { code, stderr } = await status([], { KAFKA_BROKERS: 'kafka:9092' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fahuo: FAHUO_WINDOW is "many": must be a number \(CONFIG_INVALID\)\n/);
  });

  it('are those of --env-file instead, before or behind the command', async () => {
    writeFileSync(join(folder, '.env'), 'FAHUO_WINDOW=many\n');
    writeFileSync(join(folder, 'mine.env'), 'FAHUO_DRAIN_MS=long\n');
    for (const { stderr } of [
      await status(['--env-file', 'mine.env']),
      await runFahuo(['--env-file=mine.env', 'status'], {}, folder),
    ])
      expect(stderr).toMatch(/^fahuo: FAHUO_DRAIN_MS is "long": must be a number \(CONFIG_INVALID\)\n/);
  });

  it('are read from behind a byte order mark, and not from a file that is no UTF-8', async () => {
    writeFileSync(join(folder, '.env'), '\ufeffFAHUO_WINDOW=many\n');
    expect((await status()).stderr).toMatch(/^fahuo: FAHUO_WINDOW is "many"/);
    writeFileSync(join(folder, '.env'), Buffer.from('\ufeffFAHUO_WINDOW=5\n', 'utf16le'));
    expect((await status()).stderr).toMatch(/^fahuo: \.env is no UTF-8 text: save it as UTF-8/);
  });

  it('tell check what run would take', async () => {
    const event = shippedEvent();
    event.data.shipping_list[0]!['contact'] = { receiver_contact: '13812341234' };
    writeFileSync(join(folder, 'event.json'), JSON.stringify(event));
    expect(await runFahuo(['check', 'event.json'], {}, folder)).toMatchObject({ code: 1 });
    writeFileSync(join(folder, '.env'), 'FAHUO_MASK_CONTACTS=true\n');
    expect(await runFahuo(['check', 'event.json'], {}, folder)).toMatchObject({ code: 0 });
  });

  it('are missed when --env-file names no file, and not when there is no .env', async () => {
    const { code, stderr } = await status(['--env-file', 'none.env']);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('none.env cannot be read') as string,
    });
    mkdirSync(join(folder, '.env'));
    expect((await status()).stderr).toMatch(/^fahuo: DATABASE_URL is not set/);
  });
});

describe('fahuo init', () => {
  it('writes every setting into .env for its owner alone, and overwrites nothing', async () => {
    expect(await runFahuo(['init'], {}, folder)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('DATABASE_URL, KAFKA_BROKERS, WECHAT_APPID, WECHAT_SECRET') as string,
    });
    const path = join(folder, '.env');
    expect(readFileSync(path, 'utf8')).toBe(envText());
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, 'KAFKA_GROUP=mine\n');
    expect(await runFahuo(['init'], {}, folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('FILE_NOT_WRITTEN') as string,
    });
    expect(readFileSync(path, 'utf8')).toBe('KAFKA_GROUP=mine\n');
  });
});
