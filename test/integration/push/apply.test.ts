import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../../src/log.ts';
import { recordFacts } from '../../../src/payments/facts-store.ts';
import { applyWaiting } from '../../../src/push/apply.ts';
import { readEvent } from '../../../src/push/event.ts';
import { keepEvent } from '../../../src/push/inbox-store.ts';
import { readPushHealth } from '../../../src/push/status-store.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { createRandom } from '../../support/random.ts';
import {
  asJson,
  asXml,
  pushAppid,
  pushedAt,
  reminder,
  settledPhase,
  shippedPhase,
  type Members,
} from '../../support/pushes.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(() =>
  database.pool.query(
    'truncate fahuo.push_event, fahuo.payment, fahuo.reconcile_wish, fahuo.outbox, fahuo.upload restart identity',
  ),
);

const log = createLog({ level: 'silent' });
const options = { acknowledgements: true };
const run = async <T extends object>(text: string): Promise<T[]> => (await database.pool.query<T>(text)).rows;
const keep = async (...bodies: string[]): Promise<void> => {
  for (const body of bodies) await keepEvent(database.pool, pushAppid, readEvent(body));
};
const apply = async (): Promise<void> => {
  while ((await applyWaiting({ pool: database.pool, log }, options)) === 'busy');
};
const at = (seconds: number): Date => new Date(seconds * 1_000);

type Payment = Record<string, unknown>;
const payments = () =>
  run<Payment>(
    `select appid, transaction_id, mchid, out_trade_no, order_state, paid_at, shipped_at, expected_settlement_at,
       confirm_method, confirmed_at, settled_at, reminded_at, read_at from fahuo.payment order by 2`,
  );
const waiting = () =>
  run<{ failure: string | null; tries: number }>(
    'select failure, tries from fahuo.push_event where applied_at is null order by id',
  );
const acks = async () =>
  (
    await run<{ data: string } & Record<string, unknown>>(
      'select event_id, type, source, appid, payment, version, data from fahuo.outbox order by id',
    )
  ).map(({ data, ...rest }) => ({ ...rest, data: JSON.parse(data) as object }));

const whole = {
  appid: pushAppid,
  transaction_id: '4200001',
  mchid: '1900000109',
  out_trade_no: 'T4200001',
  order_state: 4,
  paid_at: at(pushedAt - 100_000),
  shipped_at: at(pushedAt - 10),
  expected_settlement_at: at(pushedAt + 864_000),
  confirm_method: 1,
  confirmed_at: at(pushedAt + 400),
  settled_at: at(pushedAt + 450),
  reminded_at: at(pushedAt),
  read_at: null,
};

it.each(['x'.repeat(128), 'a b', '支付', "'; drop table"])(
  'a settlement of %j names no payment, and is looked at once',
  async (transaction_id) => {
    await keep(asJson({ ...settledPhase('4200001'), transaction_id, merchant_trade_no: '' }));
    await apply();
    expect(await payments()).toEqual([]);
    expect(await run('select failure, tries from fahuo.push_event where applied_at is not null')).toEqual([
      { failure: 'it names no payment', tries: 0 },
    ]);
  },
);

describe('the events of a payment', () => {
  it('end in the same row, in whatever order they come and in whatever batches', async () => {
    const bodies = [
      asJson(shippedPhase('4200001')),
      asXml(settledPhase('4200001')),
      asJson(reminder('4200001')),
      asJson({ ...settledPhase('4200001'), settlement_time: 0 }),
    ];
    const draw = createRandom(3);
    for (let round = 0; round < 24; round++) {
      await run('truncate fahuo.push_event, fahuo.payment, fahuo.reconcile_wish, fahuo.outbox');
      const order = bodies
        .map((body) => ({ body, place: draw() }))
        .sort((a, b) => a.place - b.place)
        .map(({ body }) => body);
      for (const body of order) {
        await keep(body);
        if (draw() < 0.5) await apply();
      }
      await apply();
      expect(await payments()).toEqual([whole]);
      expect(await acks()).toHaveLength(1);
      expect(await waiting()).toEqual([]);
    }
  });

  it('leave a later state alone: a refund that a read showed stays', async () => {
    const refunded = { appid: pushAppid, transactionId: '4200001', orderState: 5, readAt: at(pushedAt) };
    await recordFacts(database.pool, [refunded]);
    await keep(asJson(settledPhase('4200001')));
    await apply();
    expect(await payments()).toMatchObject([{ order_state: 5, settled_at: at(pushedAt + 450) }]);
  });

  it('are applied once, by two instances at a time', async () => {
    for (let number = 0; number < 500; number++) {
      await keep(asJson(shippedPhase(`42${number}`)));
      await keep(asJson(settledPhase(`42${number}`)));
    }
    await Promise.all([apply(), apply(), apply()]);
    await apply();
    expect(await waiting()).toEqual([]);
    expect(await payments()).toHaveLength(500);
    expect(await acks()).toHaveLength(500);
  }, 30_000);

  it('that are not there yet are not awaited: a step with nothing to do is idle', async () => {
    expect(await applyWaiting({ pool: database.pool, log }, options)).toBe('idle');
  });
});

describe('a payment that is named by the merchant’s numbers alone', () => {
  const named = (): Members => {
    const { transaction_id: _id, ...rest } = settledPhase('4200001');
    return rest;
  };

  it('is the one that a read told of', async () => {
    await recordFacts(database.pool, [
      { appid: pushAppid, transactionId: '4200001', mchid: '1900000109', outTradeNo: 'T4200001' },
      { appid: 'wxfedcba9876543210', transactionId: '4209999', mchid: '1900000109', outTradeNo: 'T4200001' },
    ]);
    await keep(asJson(named()));
    await apply();
    expect(await payments()).toMatchObject([
      { transaction_id: '4200001', settled_at: at(pushedAt + 450) },
      { transaction_id: '4209999', settled_at: null },
    ]);
  });

  it('waits and says so until a read tells of it, and holds up nobody', async () => {
    await keep(asJson(named()), asJson(shippedPhase('4200002')));
    await apply();
    const failure = 'no transaction is known for 1900000109:T4200001: a read of it will tell';
    expect(await waiting()).toEqual([{ failure, tries: 1 }]);
    expect(await payments()).toMatchObject([{ transaction_id: '4200002' }]);
    expect(await readPushHealth(database.pool)).toMatchObject({ waiting: 1, failure });
    // Not before its time.
    await apply();
    expect(await waiting()).toMatchObject([{ tries: 1 }]);
    const [{ seconds } = { seconds: 0 }] = await run<{ seconds: number }>(
      `select extract(epoch from next_try_at - clock_timestamp())::float8 as seconds from fahuo.push_event where applied_at is null`,
    );
    expect(seconds).toBeGreaterThan(10);
    expect(seconds).toBeLessThanOrEqual(15);
    await recordFacts(database.pool, [
      { appid: pushAppid, transactionId: '4200001', mchid: '1900000109', outTradeNo: 'T4200001' },
    ]);
    await run('update fahuo.push_event set next_try_at = clock_timestamp() where applied_at is null');
    await apply();
    expect(await waiting()).toEqual([]);
    expect(await acks()).toHaveLength(1);
  });

  it('waits an hour at most', async () => {
    await keep(asJson(named()));
    for (let round = 0; round < 130; round++) {
      await run('update fahuo.push_event set next_try_at = clock_timestamp()');
      await apply();
    }
    const [row] = await run<{ seconds: number; tries: number }>(
      `select tries, extract(epoch from next_try_at - clock_timestamp())::float8 as seconds from fahuo.push_event`,
    );
    expect(row?.tries).toBe(100);
    expect(row?.seconds).toBeLessThanOrEqual(3_600);
    expect(row?.seconds).toBeGreaterThan(3_500);
  });

  it('is put aside where it has no number at all', async () => {
    await keep(asJson({ ...named(), merchant_trade_no: '' }));
    await apply();
    expect(await run('select failure from fahuo.push_event where applied_at is not null')).toEqual([
      { failure: 'it names no payment' },
    ]);
  });
});

describe('a reminder', () => {
  it('asks that the payment be compared with WeChat, once', async () => {
    await keep(
      asJson(reminder('4200001')),
      asJson({ ...reminder('4200001'), CreateTime: pushedAt + 86_400 }),
    );
    await apply();
    expect(await run('select appid, transaction_id from fahuo.reconcile_wish')).toEqual([
      { appid: pushAppid, transaction_id: '4200001' },
    ]);
    expect(await payments()).toMatchObject([{ order_state: null, reminded_at: at(pushedAt + 86_400) }]);
  });

  it('that comes while the last one is looked after is a wish of its own time', async () => {
    await run(
      `insert into fahuo.reconcile_wish (appid, transaction_id, asked_at) values ('${pushAppid}', '4200001', now() - interval '1 hour')`,
    );
    await keep(asJson(reminder('4200001')));
    await apply();
    const [wish] = await run<{ fresh: boolean }>(
      `select asked_at > now() - interval '1 minute' as fresh from fahuo.reconcile_wish`,
    );
    expect(wish).toEqual({ fresh: true });
  });
});

describe('what is told on the ack topic', () => {
  it('is a settlement, under the name and version by which its events know the payment', async () => {
    const byMerchant = shippedEvent({ id: 'e2', version: 3 });
    byMerchant.data['order_key'] = {
      order_number_type: 1,
      mchid: '1900000109',
      out_trade_no: 'T4200002',
    };
    await acceptEvents(database.pool, [
      { ...shippedEvent({ payment: '4200001', id: 'e1', version: 2 }), appid: pushAppid },
      { ...byMerchant, appid: pushAppid },
    ]);
    await keep(...['4200001', '4200002', '4200003'].map((payment) => asJson(settledPhase(payment))));
    await apply();
    const told = await acks();
    expect(told).toMatchObject([
      {
        event_id: `settled-${pushAppid}-4200001`,
        type: 'fahuo.payment.settled.v1',
        source: 'fahuo',
        appid: pushAppid,
        payment: '4200001',
        version: 2,
      },
      { event_id: `settled-${pushAppid}-4200002`, payment: '1900000109:T4200002', version: 3 },
      { event_id: `settled-${pushAppid}-4200003`, payment: '4200003', version: 1 },
    ]);
    expect(told[0]?.data).toMatchObject({
      appid: pushAppid,
      payment: '4200001',
      transaction_id: '4200001',
      mchid: '1900000109',
      out_trade_no: 'T4200001',
      amount_fen: null,
      confirm_method: 1,
    });
    expect(new Date((told[0]?.data as { settled_at: string }).settled_at)).toEqual(at(pushedAt + 450));
  });

  it('is nothing while the acknowledgements are off, or the money is not there', async () => {
    await keep(asJson({ ...settledPhase('4200001'), settlement_time: 0 }), asJson(shippedPhase('4200002')));
    await apply();
    await keep(asJson(settledPhase('4200003')));
    await applyWaiting({ pool: database.pool, log }, { acknowledgements: false });
    expect(await acks()).toEqual([]);
    expect(await payments()).toHaveLength(3);
  });
});

describe('what is no event of a payment', () => {
  it('is kept, and shown where it is a warning', async () => {
    const warning = (Event: string, text: string, CreateTime = pushedAt): string =>
      asJson({ Event, FromUserName: 'o1', CreateTime, msg: text });
    await keep(
      warning('trade_manage_remind_access_api', 'first'),
      warning('trade_manage_remind_access_api', 'second', pushedAt + 86_400),
      warning('wxa_trade_controlled', '交易受限'),
      warning('debug_demo', 'x'),
      'hello',
    );
    await apply();
    expect(await waiting()).toEqual([]);
    expect(await readPushHealth(database.pool)).toMatchObject({
      waiting: 0,
      waitingSeconds: 0,
      warnings: [
        { appid: pushAppid, event: 'trade_manage_remind_access_api', count: 2, text: 'second' },
        { appid: pushAppid, event: 'wxa_trade_controlled', count: 1, text: '交易受限' },
      ],
    });
    await run(`update fahuo.push_event set received_at = received_at - interval '3 days'`);
    expect((await readPushHealth(database.pool)).warnings).toEqual([]);
  });
});

describe('an event that the database refuses', () => {
  it('waits and says why, and the others are applied', async () => {
    await run(
      `alter table fahuo.payment add constraint no_such check (transaction_id <> '4200002') not valid`,
    );
    try {
      await keep(...['4200001', '4200002', '4200003'].map((payment) => asJson(shippedPhase(payment))));
      await apply();
      expect((await payments()).map((payment) => payment['transaction_id'])).toEqual(['4200001', '4200003']);
      expect(await waiting()).toMatchObject([
        { tries: 1, failure: expect.stringContaining('no_such') as string },
      ]);
    } finally {
      await run('alter table fahuo.payment drop constraint no_such');
    }
  });
});
