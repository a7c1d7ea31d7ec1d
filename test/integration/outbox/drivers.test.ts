import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enqueue, type OutboxTransaction } from '../../../src/outbox/enqueue.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { outboxDrivers, type OpenDriver } from '../../support/outbox-drivers.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

describe.each(Object.entries(outboxDrivers).map(([name, open], index) => ({ name, open, index })))(
  'with $name',
  ({ open, index }) => {
    let driver: OpenDriver;
    const payment = `4200000000${index}`;
    const event = () => shippedEvent({ payment });
    const eventOfNoCarrier = () => {
      const wrong = event();
      wrong.data.shipping_list[0]!['express_company'] = 'sf';
      return wrong;
    };
    const order = `insert into public.orders (id) values (${index})`;
    const query = async (text: string): Promise<unknown[]> =>
      (await (driver.read?.(text) ?? database.pool.query(text))).rows;
    /** The order and the event that other sessions see. */
    const committed = async () => ({
      orders: await query(`select id from public.orders where id = ${index}`),
      events: await query(`select id from fahuo.outbox where payment = '${payment}'`),
    });
    const nothing = { orders: [], events: [] };

    beforeAll(async () => {
      driver = await open(database.url);
      await query('create table if not exists public.orders (id int)');
    });
    afterAll(() => driver.close());

    it('an event that breaks the contract is refused before anything is sent: the transaction goes on', async () => {
      await driver.transact(async (tx, run) => {
        await expect(enqueue(tx, eventOfNoCarrier())).rejects.toThrow(
          /data\.shipping_list\[0\]\.express_company is "sf": must be a delivery_id .*case-sensitive/,
        );
        await run('select 1');
      });
      expect(await committed()).toEqual(nothing);
    });

    it('neither order nor event is there when the transaction rolls back', async () => {
      await expect(
        driver.transact(async (tx, run) => {
          await run(order);
          await enqueue(tx, event());
          throw new Error('the order failed');
        }),
      ).rejects.toThrow('the order failed');
      expect(await committed()).toEqual(nothing);
    });

    it('order and event commit together, and the outbox id is returned', async () => {
      const id = await driver.transact(async (tx, run) => {
        await run(order);
        return enqueue(tx, event());
      });
      expect(await committed()).toEqual({ orders: [{ id: index }], events: [{ id }] });
    });

    it('what stands outside of a transaction is refused by name, and nothing is written', async () => {
      const before = await committed();
      for (const [name, handle] of Object.entries(driver.outside))
        await expect(enqueue(handle as OutboxTransaction, event()), name).rejects.toMatchObject({
          code: 'TRANSACTION_INVALID',
          message: expect.stringContaining(`tx is a ${name} outside of a transaction`) as string,
          remedy: expect.stringMatching(/^Nothing was written: (pass|await) .+\.$/) as string,
        });
      expect(await committed()).toEqual(before);
    });
  },
);
