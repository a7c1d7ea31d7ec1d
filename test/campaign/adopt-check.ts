import type { Pool } from '../../db/client.ts';
import type { Shipment } from '../../src/shipment/events.ts';
import { heldBy, wholeEffectsOf, type HeldLine, type WholeEffect } from '../support/sandbox-client.ts';
import { isBalance, isShipped, type Order } from './adopt-plan.ts';
import { hasWaybill, type Shop } from './adopt-writers.ts';

/** What must all be zero. */
export type AdoptFaults = {
  /** Shipped orders without an effect at WeChat. */
  lost: number;
  /** Effects of a payment beyond its first. */
  effectsTwice: number;
  /** Effects of orders that never shipped: rolled back, cut off, refunded before, or shipped before fahuo and refunded. */
  notCommitted: number;
  /** Effects that name a waybill of a transaction that did not commit. */
  undoneWaybills: number;
  /** Effects of orders that were paid from a balance. */
  notWechats: number;
  /** Re-ship chances spent. */
  reships: number;
  /** Events of a payment beyond its first: nothing that happened to an order asks for a second. */
  eventsTwice: number;
  versionsNotRising: number;
  /** Payments that WeChat holds with another parcel than the shop, and that no correction is proposed for. */
  otherParcels: number;
  proposalsMissing: number;
  proposalsUnasked: number;
  /** Answers in the shop's tables that are not what is on record. */
  answersWrong: number;
  columnsWrong: number;
  leftTouched: number;
  /** Keys and payments that are held or failed, and events that are not acknowledged. */
  leftOpen: number;
};

export type AdoptCounts = { shipped: number; effects: number; proposals: number };
export type AdoptChecked = { faults: AdoptFaults; counts: AdoptCounts; suspects: string[] };

type Proposal = { payment: string; proposed: string };
type Event = { payment: string; version: number };
type Answer = { ref: string; state: string; version: string | null; errcode: string | null };
type Acknowledged = { payment: string; state: string; version: number; errcode: number | null };
type ShopRow = { waybill: string | null; carrier: string | null };

type Evidence = {
  effects: ReadonlyMap<string, WholeEffect[]>;
  held: ReadonlyMap<string, HeldLine>;
  events: ReadonlyMap<string, Event[]>;
  proposals: ReadonlyMap<string, Proposal>;
  acknowledged: ReadonlyMap<string, Acknowledged>;
  answers: ReadonlyMap<string, Answer>;
  rows: ReadonlyMap<number, ShopRow>;
  uploaded: ReadonlySet<number> | null;
};

type Given = {
  pool: Pool;
  shop: Shop;
  sandbox: string;
  orders: readonly Order[];
  paymentOf: (order: Order) => string;
};

/** Compares the sandbox's own record, the shop's tables and fahuo's with what the writers did. */
export async function checkAdopted(given: Given): Promise<AdoptChecked> {
  const { pool, shop, sandbox, orders, paymentOf } = given;
  const session = await shop.open();
  try {
    const evidence = await readEvidence(pool, { session, sandbox, sql: shop.sql });
    const faults = noFaults();
    const suspects: string[] = [];
    for (const order of orders) {
      const wrong = judgeOrder(order, paymentOf(order), evidence);
      for (const name of wrong) faults[name] += 1;
      if (wrong.length > 0) suspects.push(describe(order, { payment: paymentOf(order), wrong, evidence }));
    }
    const [touched] = await session.run(shop.sql.touched);
    faults.leftTouched = Number(touched?.['n']);
    faults.leftOpen = await countOpen(pool);
    const all = [...evidence.effects.values()].flat();
    faults.reships = all.filter(({ kind }) => kind === 'reship').length;
    const counts = {
      shipped: orders.filter(isShipped).length,
      effects: all.length,
      proposals: evidence.proposals.size,
    };
    return { faults, counts, suspects };
  } finally {
    await session.end();
  }
}

const noFaults = (): AdoptFaults => ({
  lost: 0,
  effectsTwice: 0,
  notCommitted: 0,
  undoneWaybills: 0,
  notWechats: 0,
  reships: 0,
  eventsTwice: 0,
  versionsNotRising: 0,
  otherParcels: 0,
  proposalsMissing: 0,
  proposalsUnasked: 0,
  answersWrong: 0,
  columnsWrong: 0,
  leftTouched: 0,
  leftOpen: 0,
});

async function readEvidence(
  pool: Pool,
  {
    session,
    sandbox,
    sql,
  }: { session: Awaited<ReturnType<Shop['open']>>; sandbox: string; sql: Shop['sql'] },
): Promise<Evidence> {
  const events = await pool.query<Event>(
    `select payment, version from fahuo.outbox where type in ('fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1')
     order by id`,
  );
  const proposals = await pool.query<Proposal>(
    `select payment, proposed from fahuo.adopt_payment where state = 'proposed'`,
  );
  const acknowledged = await pool.query<Acknowledged>(
    'select distinct on (payment) payment, state, version, errcode from fahuo.upload order by payment, version desc',
  );
  const byName = <T extends { payment: string }>(list: readonly T[]): Map<string, T> =>
    new Map(list.map((one) => [one.payment, one]));
  const answers = (await session.run(sql.answers)) as Answer[];
  const rows = await session.run(sql.shippedRows(null));
  const uploaded = sql.uploaded === null ? null : await session.run(sql.uploaded);
  return {
    effects: Map.groupBy(await wholeEffectsOf(sandbox), ({ payment }) => payment),
    held: new Map((await heldBy(sandbox)).map((line) => [line.transactionId, line])),
    events: Map.groupBy(events.rows, ({ payment }) => payment),
    proposals: byName(proposals.rows),
    acknowledged: byName(acknowledged.rows),
    answers: new Map(answers.map((answer) => [answer.ref, answer])),
    rows: new Map(
      rows.map((row) => [
        Number(row['id']),
        { waybill: row['waybill'] ?? null, carrier: row['carrier'] ?? null },
      ]),
    ),
    uploaded: uploaded === null ? null : new Set(uploaded.map((row) => Number(row['id']))),
  };
}

async function countOpen(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select (select count(*) from fahuo.adopt_key where state in ('held', 'failed'))
       + (select count(*) from fahuo.adopt_payment where state = 'held')
       + (select count(*) from fahuo.upload where state <> 'acknowledged')
       + (select count(*) from fahuo.refused_offer) as n`,
  );
  return rows[0]!.n;
}

type Fault = keyof AdoptFaults;

/** What is wrong with one order; each name once a thing that is wrong. Pure. */
function judgeOrder(order: Order, payment: string, evidence: Evidence): Fault[] {
  const effects = evidence.effects.get(payment) ?? [];
  const events = evidence.events.get(payment) ?? [];
  const names = (fault: Fault, times: number): Fault[] =>
    Array.from({ length: Math.max(0, times) }, () => fault);
  if (!isShipped(order))
    return names(isBalance(order) ? 'notWechats' : 'notCommitted', effects.length + events.length);
  return [
    ...names('lost', 1 - effects.length),
    ...names('effectsTwice', effects.length - 1),
    ...names('eventsTwice', events.length - 1),
    ...names('versionsNotRising', disorder(events)),
    ...names('undoneWaybills', effects.filter((effect) => namesUndone(order, effect)).length),
    ...judgeParcels(order, payment, evidence),
    ...names('answersWrong', Number(!isAnswered(order, payment, evidence))),
    ...names('columnsWrong', Number(!hasColumns(order, payment, evidence))),
  ];
}

const disorder = (events: readonly Event[]): number =>
  events.filter(({ version }, index) => index > 0 && version <= events[index - 1]!.version).length;

const bodyOf = ({ body }: WholeEffect): Shipment => JSON.parse(body) as Shipment;
const namesUndone = ({ waybills }: Order, effect: WholeEffect): boolean =>
  bodyOf(effect).shipping_list.some(
    ({ tracking_no: number }) => number !== undefined && !waybills.includes(number),
  );

/** An order whose waybill changed after it was said waits for a person, and no other does. */
function judgeParcels(order: Order, payment: string, { held, rows, proposals }: Evidence): Fault[] {
  const row = rows.get(order.id);
  const proposal = proposals.get(payment);
  const shipping = held.get(payment)?.shipping ?? null;
  if (shipping === null || row === undefined) return [];
  const wanted = hasWaybill(order) ? [`${row.carrier} ${row.waybill}`] : [];
  const stands = shipping.parcels
    .filter(({ trackingNo }) => trackingNo !== '')
    .map(({ company, trackingNo }) => `${company} ${trackingNo}`);
  const isSame = stands.join() === wanted.join();
  const mayDiffer = order.kind === 'changed' || order.kind === 'hasty';
  if (isSame)
    return [
      ...(order.kind === 'changed' ? (['proposalsMissing'] as const) : []),
      ...(proposal === undefined ? [] : (['proposalsUnasked'] as const)),
    ];
  if (!mayDiffer) return ['otherParcels', ...(proposal === undefined ? [] : (['proposalsUnasked'] as const))];
  return proposal !== undefined && parcelsOf(proposal).join() === wanted.join() ? [] : ['proposalsMissing'];
}

const parcelsOf = ({ proposed }: Proposal): string[] =>
  (JSON.parse(proposed) as Shipment).shipping_list.map(
    ({ express_company: carrier, tracking_no: number }) => `${carrier} ${number}`,
  );

function isAnswered(order: Order, payment: string, { answers, acknowledged, proposals }: Evidence): boolean {
  const answer = answers.get(String(order.id));
  const upload = acknowledged.get(payment);
  if (answer === undefined || upload === undefined) return false;
  if (proposals.has(payment)) return answer.state === 'proposed';
  return (
    answer.state === upload.state &&
    Number(answer.version) === upload.version &&
    (answer.errcode === null ? null : Number(answer.errcode)) === upload.errcode
  );
}

/** A proposal that came before the acknowledgement is what the shop was told last, and its columns know no proposals. */
const hasColumns = (order: Order, payment: string, { uploaded, proposals }: Evidence): boolean =>
  uploaded === null || proposals.has(payment) || uploaded.has(order.id);

type Suspect = { payment: string; wrong: readonly Fault[]; evidence: Evidence };

function describe(order: Order, { payment, wrong, evidence }: Suspect): string {
  const { kind, waybills, undone } = order;
  return JSON.stringify({
    order: order.id,
    wrong,
    kind,
    waybills,
    undone,
    shop: evidence.rows.get(order.id),
    effects: evidence.effects
      .get(payment)
      ?.map((effect) => [effect.kind, bodyOf(effect).shipping_list[0]?.tracking_no]),
    events: evidence.events.get(payment)?.map(({ version }) => version),
    proposed: evidence.proposals.get(payment)?.proposed,
    answer: evidence.answers.get(String(order.id)),
    upload: evidence.acknowledged.get(payment),
  });
}
