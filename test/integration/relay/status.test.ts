import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { readStatus } from '../../../src/relay/status-store.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { runFahuo } from '../../support/fahuo-process.ts';
import { createRelayStack, type RelayStack } from '../../support/relay-stack.ts';

let stack: RelayStack;
beforeEach(async () => {
  stack = await createRelayStack({ partitions: 1 });
});
afterEach(() => stack.close());

const enqueueText = (payment: string) =>
  `select fahuo.enqueue('${JSON.stringify(shippedEvent({ payment }))}')`;

describe('what holds the relay back', () => {
  it('is named while a writer is idle in its transaction: in status, in a metric and in words', async () => {
    const relay = stack.start();
    await stack.enqueue({ payment: 'before' });
    await eventually(async () => expect(await stack.published()).toEqual(['before v1']));
    const slow = await connectAlone(stack.database.url, 'slow-order-service');
    await slow.query('begin');
    await slow.query(enqueueText('held'));
    const { rows } = await slow.query<{ pid: number; user: string }>(
      'select pg_backend_pid() as pid, current_user as user',
    );
    await slow.query('select 1');
    await stack.enqueue({ payment: 'waiting' });
    const { blocker: heldBy, oldest, lagRows, lagSeconds } = await readStatus(stack.database.pool, 0);
    expect(heldBy).toMatchObject({ ...rows[0], application: 'slow-order-service', query: 'select …' });
    expect(heldBy!.ageSeconds).toBeGreaterThan(0);
    expect(oldest).toMatchObject({ outboxId: 3, eventId: 'waiting-1', payment: 'waiting' });
    expect(lagRows).toBe(2);
    expect(lagSeconds).toBeGreaterThan(0);
    await eventually(async () =>
      expect(await relay.metrics.registry.metrics()).toMatch(
        new RegExp(
          `fahuo_relay_holder_seconds{pid="${rows[0]!.pid}",user="${rows[0]!.user}",application="slow-order-service",query="select …"} \\d`,
        ),
      ),
    );
    const told = await runFahuo(['status'], {
      DATABASE_URL: stack.database.url,
      KAFKA_BROKERS: stack.connection.brokers.join(','),
      KAFKA_TOPIC: stack.topic,
    });
    expect(told.stdout).toMatch(
      new RegExp(`oldest writer: pid ${rows[0]!.pid}, .*slow-order-service, .* s: select …`),
    );
    expect(told.stdout).toContain('oldest unpublished: outbox 3, event waiting-1, payment waiting');
    await slow.query('rollback');
    await slow.end();
    await eventually(async () => expect(await stack.published()).toEqual(['before v1', 'waiting v1']));
    expect(await readStatus(stack.database.pool, 0)).toMatchObject({
      heldBy: null,
      oldest: null,
      lagRows: 0,
    });
  });

  it('is a prepared transaction, and not another one that is older and never wrote an event', async () => {
    const { url } = stack.database;
    const client = await connectAlone(url, 'order-service');
    await client.query('create table public.other (id int)');
    const gid = `${new URL(url).pathname.slice(1)}-`;
    await client.query(`begin; insert into public.other values (1); prepare transaction '${gid}other'`);
    await client.query('begin');
    await client.query(enqueueText('prepared'));
    await client.query(`prepare transaction '${gid}held'`);
    const { blocker: heldBy } = await readStatus(stack.database.pool, 0);
    expect(heldBy).toMatchObject({ pid: null, application: `prepared transaction ${gid}held` });
    expect(heldBy!.user).not.toBeNull();
    await client.query(`commit prepared '${gid}held'`);
    await client.query(`rollback prepared '${gid}other'`);
    await client.end();
  });

  it('shows no word of an event, in the metric or in status', async () => {
    const relay = stack.start();
    const slow = await connectAlone(stack.database.url, 'slow');
    await slow.query('begin');
    await slow.query(enqueueText('secret-payment'));
    await eventually(async () =>
      expect(await relay.metrics.registry.metrics()).toContain(`query="select fahuo.enqueue('…')"`),
    );
    const told = await runFahuo(['status'], { DATABASE_URL: stack.database.url });
    expect(told.stdout).toContain(`s: select fahuo.enqueue('…')`);
    expect(told.stdout).not.toContain('secret-payment');
    await slow.end();
  });
});
