import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Post } from './post.ts';
import { listOf } from './problems.ts';
import type { Service } from './service.ts';

const parcelsShape = listOf(
  z.strictObject({
    tracking_no: z.string().min(1),
    /** 0 nothing known, 1 collected, 2 moving, 3 delivering, 4 signed, 5 trouble, 6 signed by proxy. */
    statuses: z.array(z.int().min(0).max(6)).min(1),
  }),
);
const managementShape = z.strictObject({
  managed: z.boolean().optional(),
  completed: z.boolean().optional(),
});

/** What is told and asked of all that the shop's calls change. */
export function addShopAdmin(app: FastifyInstance, post: Post, service: Service): void {
  const { shop } = service;
  post('/_sandbox/parcels', parcelsShape, (parcels) => {
    for (const { tracking_no: trackingNo, statuses } of parcels) shop.scripts.set(trackingNo, statuses);
    return { parcels: parcels.length };
  });
  post('/_sandbox/management', managementShape, ({ managed, completed }) => {
    shop.managed = managed ?? shop.managed;
    shop.completed = completed ?? shop.completed;
    return { managed: shop.managed, completed: shop.completed };
  });
  const lines = (path: string, list: () => Iterable<object>): void => {
    app.get(path, (_request, reply) =>
      reply.type('application/x-ndjson').send([...list()].map((one) => `${JSON.stringify(one)}\n`).join('')),
    );
  };
  lines('/_sandbox/receipts', () => shop.receipts);
  lines('/_sandbox/special-orders', () => shop.specialOrders);
  lines('/_sandbox/parcels', () => shop.parcels.values());
  app.get('/_sandbox/pages', (_request, reply) =>
    reply.send({ jump: Object.fromEntries(shop.jumpPaths), detail: Object.fromEntries(shop.detailPaths) }),
  );
}
