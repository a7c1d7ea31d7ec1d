import { fastify } from 'fastify';
import { inTransaction, type Pool } from '../../db/client.ts';
import type { Clock } from '../clock.ts';
import { enqueue } from '../outbox/enqueue.ts';
import { offerText, insertOrder, markShipped } from './order-store.ts';
import { shippedEventOf, withWrongCarrier, type Order } from './shipments.ts';

export type OrderService = { url: string; stop: () => Promise<void> };

/**
 * The sample order service: an order is paid, then shipped. Shipping changes the order's row and writes the event in
 * one transaction, so that neither is there without the other. This is all that a shop has to add.
 */
export async function startOrderService(
  { pool, clock }: { pool: Pool; clock: Clock },
  appid: string,
): Promise<OrderService> {
  const app = fastify({ forceCloseConnections: true });
  app.post<{ Body: Omit<Order, 'id'> }>('/orders', async (request) => ({
    id: await insertOrder(pool, request.body),
  }));
  app.post<{ Params: { id: string }; Body: { careless?: boolean } }>('/orders/:id/ship', (request, reply) =>
    inTransaction(pool, async (tx) => {
      const order = await markShipped(tx, Number(request.params.id));
      if (order === null) return reply.status(409).send({ error: 'no such order is waiting to be shipped' });
      const event = shippedEventOf(order, appid, clock());
      if (request.body.careless === true) await offerText(tx, withWrongCarrier(event));
      else await enqueue(tx, event);
      return { shipped: order.transactionId };
    }),
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, stop: () => app.close() };
}
