import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectAlone } from '../../db/client.ts';
import { eventually } from '../support/eventually.ts';
import { shippedEvent } from '../support/events.ts';
import { uniqueName } from '../support/names.ts';
import { fahuo, runProgram, shopEnv, startInstalled, type Started } from './programs.ts';

describe.each(['22.22.0', '24.21.0'] as const)(
  'a deployment of the installed package on Node %s',
  (version) => {
    const database = uniqueName('package').replaceAll(/\W/g, '_');
    const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${database}` }).toString();
    const payment = (last: number): string => `420000123420261123${version.replaceAll('.', '')}${last}`;
    let env: Record<string, string>;
    let sandbox: Started;
    let run: Started | undefined;

    const onServer = async (statement: string): Promise<void> => {
      const client = await connectAlone(inject('databaseUrl'), 'fahuo-test');
      await client.query(statement).finally(() => client.end());
    };

    const acknowledged = async (): Promise<number> => {
      const client = await connectAlone(url, 'fahuo-test');
      const { rows } = await client
        .query<{ state: string }>('select state from fahuo.acknowledgements')
        .finally(() => client.end());
      return rows.filter(({ state }) => state === 'acknowledged').length;
    };

    beforeAll(async () => {
      await onServer(`create database ${database}`);
      sandbox = await startInstalled(version, ['sandbox', '--port', '0', '--auto-create', '--json']);
      env = {
        DATABASE_URL: url,
        KAFKA_BROKERS: inject('kafkaBrokers'),
        KAFKA_TOPIC: uniqueName('package'),
        KAFKA_GROUP: uniqueName('package'),
        FAHUO_CREATE_TOPICS: 'true',
        FAHUO_HTTP_PORT: '0',
        WECHAT_BASE_URL: (JSON.parse(sandbox.line) as { url: string }).url,
        WECHAT_APPID: 'wx0123456789abcdef',
        WECHAT_SECRET: 'secret',
      };
    });
    afterAll(async () => {
      await run?.stop('SIGKILL');
      await sandbox.stop();
      await onServer(`drop database ${database} with (force)`);
    });

    it('migrates, runs, carries an event of each door to WeChat and the answer back, and stops', async () => {
      expect(await fahuo(version, ['migrate'], { env })).toMatchObject({ code: 0 });
      run = await startInstalled(version, ['run'], env);
      const doctor = await fahuo(version, ['doctor'], { env });
      expect(doctor.code, doctor.stdout + doctor.stderr).toBe(0);

      const input = JSON.stringify(shippedEvent({ payment: payment(1) }));
      expect(await fahuo(version, ['enqueue', '-'], { env, input })).toMatchObject({ code: 0 });
      writeFileSync(join(inject('shop'), 'ship.mjs'), shipping);
      const shipped = await runProgram(
        'node',
        ['ship.mjs', JSON.stringify(shippedEvent({ payment: payment(2) }))],
        {
          cwd: inject('shop'),
          env: shopEnv(version, env),
        },
      );
      expect(shipped).toMatchObject({ code: 0, stderr: '' });

      await eventually(async () => expect(await acknowledged()).toBe(2));
      const shown = await fahuo(version, ['show', payment(2)], { env });
      expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('  acknowledged  ')]);
      const ended = await run.stop('SIGTERM');
      run = undefined;
      expect(ended).toMatchObject({ code: 0, signal: null });
      expect(ended.stderr).toContain('fahuo.stopped');
    });
  },
);

/** An order service on pg. */
const shipping = `import pg from 'pg';
import { enqueue } from 'fahuo/outbox';
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query('begin');
await enqueue(client, JSON.parse(process.argv[2]));
await client.query('commit');
await client.end();
`;
