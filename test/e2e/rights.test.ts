import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
  type AclEntry,
  type Admin,
} from 'kafkajs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { sleep } from '../../src/clock.ts';
import { createKafkajs } from '../../src/kafka/connection.ts';
import { createLog } from '../../src/log.ts';
import { startKafka } from '../../src/parts/kafka.ts';
import type { LocalService } from '../../src/parts/process.ts';
import { shippedEvent } from '../support/events.ts';
import { eventually } from '../support/eventually.ts';
import { appid, createStack, effectsOf, type Stack } from '../support/stack.ts';

/** How long a right is away; the design asks for a minute, which is the same, longer. */
const awayMs = Number(process.env['TEST_RIGHTS_AWAY_MS'] ?? 8_000);

let dir: string;
let kafka: LocalService;
let stack: Stack;
let acls: Admin;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fahuo-rights-'));
  kafka = await startKafka(dir, {
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
    },
  });
  const services = { databaseUrl: inject('databaseUrl'), kafkaBrokers: kafka.url };
  // Uploads are slow, so that some are left while nothing is read.
  stack = await createStack({ services, sandbox: { latencyMs: 300 }, env: { FAHUO_WINDOW: '3' } });
  acls = createKafkajs(stack.connection, createLog({ level: 'silent' })).admin();
  await acls.connect();
});
afterAll(async () => {
  await acls.disconnect();
  await stack.close();
  await kafka.stop();
  await rm(dir, { recursive: true, force: true });
});

const entry = (
  resourceType: AclResourceTypes,
  permissionType: AclPermissionTypes,
  operation: AclOperationTypes,
): AclEntry => ({
  resourceType,
  resourceName: stack.topic, // the group has the topic's name
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: 'User:ANONYMOUS',
  host: '*',
  operation,
  permissionType,
});

/** All but READ stays: a rule for one operation would take away all others. */
async function takeRead(type: AclResourceTypes): Promise<void> {
  const acl = [
    entry(type, AclPermissionTypes.ALLOW, AclOperationTypes.ALL),
    entry(type, AclPermissionTypes.DENY, AclOperationTypes.READ),
  ];
  await acls.createAcls({ acl });
}

async function giveRead(type: AclResourceTypes): Promise<void> {
  const { principal, host, ...denied } = entry(type, AclPermissionTypes.DENY, AclOperationTypes.READ);
  await acls.deleteAcls({ filters: [{ ...denied, principal, host }] });
}

it('waits for READ on its topic and its group, says so, and uploads go on meanwhile', async () => {
  const { pool } = stack.database;
  let written = 0;
  const enqueue = async (): Promise<void> => {
    const payment = `42000012342026112300${String(written++).padStart(8, '0')}`;
    await pool.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent({ payment, appid }))]);
  };
  const count = async (table: string): Promise<number> => {
    const { rows } = await pool.query<{ n: number }>(`select count(*) as n from fahuo.${table}`);
    return rows[0]!.n;
  };
  const running = await stack.start();
  const waitsFor = async (): Promise<string | undefined> => {
    const answer = await fetch(`${running.http}/readyz`);
    return ((await answer.json()) as { checks: Record<string, string> }).checks['consume'];
  };
  const stopWriting = new AbortController();
  const writing = (async () => {
    while (!stopWriting.signal.aborted) {
      await enqueue();
      await sleep(100, stopWriting.signal);
    }
  })();
  try {
    for (const [type, said] of [
      [AclResourceTypes.TOPIC, /topic/i],
      [AclResourceTypes.GROUP, /group/i],
    ] as const) {
      for (let more = 0; more < 60; more++) await enqueue();
      await eventually(async () => expect(await count('upload')).toBeGreaterThan(written - 20), 60_000);
      await takeRead(type);
      await eventually(async () => expect(await waitsFor()).toMatch(said), 60_000);
      const [taken, sent] = [await count('upload'), await count('acknowledgements')];
      await sleep(awayMs);
      expect(await count('upload')).toBeLessThan(taken + 30); // what was on its way when the right went
      expect(await count('acknowledgements')).toBeGreaterThan(sent);
      expect(running.child.exitCode).toBeNull();
      await giveRead(type);
      await eventually(async () => expect(await waitsFor()).toBeUndefined(), 60_000);
    }
  } finally {
    stopWriting.abort();
    await writing;
  }
  await eventually(async () => expect(await count('acknowledgements')).toBe(written), 200_000, 500);
  const effects = await effectsOf(stack.wechat);
  expect(effects).toHaveLength(written);
  expect(running.child.exitCode).toBeNull();
  expect(await running.stop()).toBe(0);
});
