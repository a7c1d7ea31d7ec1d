import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  describeConfig,
  envExample,
  readApps,
  readConfig,
  required,
  settings,
} from '../../../src/roles/config.ts';

describe('the configuration', () => {
  it('has a default for everything, and takes empty as unset', () => {
    expect(readConfig({ KAFKA_TOPIC: '', FAHUO_WINDOW: '' })).toMatchObject({
      kafkaTopic: 'fahuo.shipments',
      window: 256,
    });
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });

  it('names every wrong variable with its value and rule', () => {
    expect(() => readConfig({ FAHUO_WINDOW: 'many', KAFKA_BROKERS: 'nowhere' })).toThrow(
      /KAFKA_BROKERS is "nowhere": must be host:port.*FAHUO_WINDOW is "many": must be a number/,
    );
  });

  it('says which setting a mistyped name was meant to be', () => {
    expect(() => readConfig({ FAHUO_WINDOWS: '3' })).toThrow(
      'FAHUO_WINDOWS is not a setting: did you mean FAHUO_WINDOW?',
    );
  });

  it('never shows a secret, and reads it from a file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'fahuo-')), 'secret');
    writeFileSync(file, 'hush\n');
    const config = readConfig({ WECHAT_SECRET_FILE: file });
    expect(config.wechatSecret).toBe('hush');
    expect(JSON.stringify(describeConfig(config))).not.toContain('hush');
    expect(() => readConfig({ DATABASE_URL: 'mysql://user:hush@x' })).toThrow('DATABASE_URL is (hidden)');
  });

  it('refuses a lease that a call could outlive', () => {
    expect(() => readConfig({ FAHUO_LEASE_MS: '5000', FAHUO_CALL_TIMEOUT_MS: '4000' })).toThrow(
      'FAHUO_LEASE_MS',
    );
  });

  it('serves one app, or those of a file', () => {
    expect(readApps(readConfig({ WECHAT_APPID: 'wx1', WECHAT_SECRET: 's' }))).toMatchObject([
      { appid: 'wx1', secret: 's' },
    ]);
    const file = join(mkdtempSync(join(tmpdir(), 'fahuo-')), 'apps.json');
    writeFileSync(file, '[{"appid":"a","secret":"s","max_calls_per_second":5},{"appid":"b","secret":"t"}]');
    expect(readApps(readConfig({ FAHUO_APPS_FILE: file })).map((app) => app.maxCallsPerSecond)).toEqual([
      5,
      undefined,
    ]);
    writeFileSync(file, '[{"appid":"a"}]');
    expect(() => readApps(readConfig({ FAHUO_APPS_FILE: file }))).toThrow('0.secret');
    expect(() => required(readConfig({}), 'databaseUrl')).toThrow('DATABASE_URL is not set');
  });

  it('is what .env.example and docs/settings.md list', () => {
    const root = new URL('../../../', import.meta.url);
    expect(readFileSync(new URL('.env.example', root), 'utf8')).toBe(envExample());
    const documented = readFileSync(new URL('docs/settings.md', root), 'utf8');
    const missing = Object.values(settings).filter(({ name }) => !documented.includes(`\`${name}\``));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});
