import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Post } from './post.ts';
import type { Members } from './push-envelope.ts';
import { headOf, messageOf, paymentPushes } from './push-message.ts';
import { pushTargetsShape } from './push-sender.ts';
import type { Service } from './service.ts';
import type { Payment } from './world.ts';

const members = z.record(z.string(), z.union([z.string(), z.number()]));

const pushShape = z
  .strictObject({
    /** The app whose target it goes to; of a payment's push that of the payment. */
    appid: z.string().optional(),
    /** Of this payment, by either of its names. */
    payment: z.string().min(1).optional(),
    push: z.enum(paymentPushes).optional(),
    /** Or any event, with its members. */
    event: z.string().min(1).optional(),
    members: members.optional(),
    /** Or any text at all. */
    text: z.string().optional(),
  })
  .refine(
    (one) =>
      (one.payment !== undefined && one.push !== undefined) ||
      one.event !== undefined ||
      one.text !== undefined,
    {
      error: 'must name a payment and a push, an event, or a text',
    },
  );

/** What WeChat pushes: where it goes, one push at once, and what became of all. */
export function addPushRoutes(app: FastifyInstance, post: Post, service: Service): void {
  post('/_sandbox/push-target', pushTargetsShape, (targets) => {
    for (const target of targets) service.pushes.direct(target);
    return { targets: targets.map(({ appid, url }) => ({ appid, url })) };
  });
  post('/_sandbox/push', pushShape, (asked) => push(service, asked));
  app.get('/_sandbox/pushes', (_request, reply) =>
    reply
      .type('application/x-ndjson')
      .send(service.pushes.sent.map((one) => `${JSON.stringify(one)}\n`).join('')),
  );
}

async function push(service: Service, asked: Asked): Promise<object> {
  const { world, pushes } = service;
  const payment = asked.payment === undefined ? undefined : world.named(asked.payment);
  if (asked.payment !== undefined && payment === undefined)
    return { error: `no payment ${asked.payment}: POST /_sandbox/payments makes one` };
  const target = pushes.targetOf(asked.appid ?? payment?.appid ?? null);
  if (target === undefined) return { error: 'no target: POST /_sandbox/push-target names one' };
  return pushes.send(target, contentOf(asked, payment, service.nowMs()), payment?.key ?? null);
}

type Asked = z.output<typeof pushShape>;

function contentOf(asked: Asked, payment: Payment | undefined, nowMs: number): Members | string {
  if (payment !== undefined && asked.push !== undefined)
    return { ...messageOf(payment, asked.push, nowMs), ...asked.members };
  return asked.text ?? { ...headOf(asked.event ?? '', nowMs), ...asked.members };
}
