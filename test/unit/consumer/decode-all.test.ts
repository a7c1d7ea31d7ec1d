import { systemClock } from '../../../src/clock.ts';
import { expect, it } from 'vitest';
import { decodeAll } from '../../../src/consumer/decode-all.ts';
import type { Received } from '../../../src/kafka/message.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { shippedEvent } from '../../support/events.ts';

const message = (company: string): Received => {
  const event = shippedEvent();
  event.data.shipping_list[0]!['express_company'] = company;
  return {
    topic: 't',
    partition: 0,
    offset: 0,
    key: null,
    value: Buffer.from(JSON.stringify(event)),
    headers: { 'content-type': Buffer.from('application/cloudevents+json') },
  };
};

/** `learned`: what asking brings. */
async function decodeWith(companies: string[], { learned = [] as string[], aliases = false } = {}) {
  const carriers = new Map(bundledCarriers());
  const asked: (readonly string[])[] = [];
  const decoded = await decodeAll(companies.map(message), {
    carriers,
    carrierAliases: aliases,
    maskContacts: false,
    clock: systemClock,
    acknowledgements: false,
    askCarriers: (ids) => {
      asked.push(ids);
      for (const id of learned) carriers.set(id, id);
      return Promise.resolve(learned.length > 0);
    },
  });
  return { kinds: decoded.map(({ kind }) => kind), asked };
}

it('a carrier that is known is not asked for', async () => {
  expect(await decodeWith(['SF', 'ZTO'])).toEqual({ kinds: ['event', 'event'], asked: [] });
});

it('unknown carriers of a batch are asked for once, and those that are known then are taken', async () => {
  expect(await decodeWith(['NEW1', 'SF', 'NEW2', 'NEW1'], { learned: ['NEW1'] })).toEqual({
    kinds: ['event', 'event', 'dead', 'event'],
    asked: [['NEW1', 'NEW2']],
  });
});

it('a carrier that stays unknown is a dead letter', async () => {
  expect(await decodeWith(['NEW1'])).toEqual({ kinds: ['dead'], asked: [['NEW1']] });
});

it('a name that is taken for an id is not asked for', async () => {
  expect(await decodeWith(['zhongtong'], { aliases: true })).toEqual({ kinds: ['event'], asked: [] });
});
