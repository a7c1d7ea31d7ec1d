import { afterAll, beforeAll, expect, it } from 'vitest';
import { combinedEvent } from '../support/events.ts';
import { eventually } from '../support/eventually.ts';
import { createStack, effectsOf, statsOf, tellSandbox, type Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await createStack();
  await stack.start({ roles: 'relay,consume,upload' });
});
afterAll(() => stack.close());

type Payment = { mchid: string; out_trade_no: string };
const payments = (name: string): Payment[] => [
  { mchid: '1900000001', out_trade_no: `${name}1` },
  { mchid: '1900000001', out_trade_no: `${name}2` },
  { mchid: '1900000002', out_trade_no: `${name}3` },
];

/** One event of a combined payment whose parts belong to two merchants. */
function combinedOf(id: string, parts: readonly Payment[]): object {
  const event = combinedEvent(
    parts.map(({ out_trade_no }) => out_trade_no),
    { id },
  );
  event.data['order_key'] = { order_number_type: 1, mchid: '1900000001', out_trade_no: `${id}-main` };
  for (const [at, part] of event.data.sub_orders.entries())
    part['order_key'] = { order_number_type: 1, ...parts[at] };
  return event;
}
const enqueue = (event: object) =>
  stack.database.pool.query('select * from fahuo.enqueue_combined($1)', [JSON.stringify(event)]);
const named = (parts: readonly Payment[]): string[] =>
  parts.map(({ mchid, out_trade_no }) => `${mchid}:${out_trade_no}`);
const answersOf = async (id: string): Promise<[payment: string, state: string][]> =>
  (
    await stack.database.pool.query<{ payment: string; state: string }>(
      `select mchid || ':' || out_trade_no as payment, state from fahuo.acknowledgements
       where event_id like $1 order by 1`,
      [`${id}#%`],
    )
  ).rows.map(({ payment, state }) => [payment, state]);
const effectsFor = async (parts: readonly Payment[]): Promise<[payment: string, kind: string][]> =>
  (await effectsOf(stack.wechat))
    .filter(({ payment }) => named(parts).includes(payment))
    .map(({ payment, kind }): [string, string] => [payment, kind])
    .sort(([left], [right]) => (left < right ? -1 : 1));

it('a combined payment of two merchants is one event, one effect and one answer for each part, and spends no chance', async () => {
  const parts = payments('A');
  await enqueue(combinedOf('a', parts));
  const acknowledged = named(parts).map((payment) => [payment, 'acknowledged']);
  await eventually(async () => expect(await answersOf('a')).toEqual(acknowledged));
  await enqueue(combinedOf('a', parts.toReversed())); // the same event again
  await enqueue(combinedOf('a-later', parts)); // the same parcels, said again by another event
  await eventually(async () => expect(await answersOf('a-later')).toEqual(acknowledged));
  expect(await effectsFor(parts)).toEqual(named(parts).map((payment) => [payment, 'ship']));
  const { effects, requests } = await statsOf(stack.wechat);
  expect(effects.reship).toBe(0);
  expect(Object.keys(requests)).not.toContain('combined');
});

it('a part that WeChat refuses leaves the others alone', async () => {
  const parts = payments('B');
  const [, refused] = named(parts);
  await tellSandbox(stack.wechat, 'faults', [
    { kind: 'errcode', errcode: 268485224, transaction_id: refused },
  ]);
  await enqueue(combinedOf('b', parts));
  await eventually(async () =>
    expect(await answersOf('b')).toEqual(
      named(parts).map((payment) => [payment, payment === refused ? 'rejected' : 'acknowledged']),
    ),
  );
  expect(await effectsFor(parts)).toEqual(
    named(parts)
      .filter((payment) => payment !== refused)
      .map((payment) => [payment, 'ship']),
  );
});
