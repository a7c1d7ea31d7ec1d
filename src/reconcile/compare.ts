import type { Queryable } from '../../db/client.ts';
import type { Received } from '../kafka/message.ts';
import type { Facts } from '../payments/facts-store.ts';
import type { Order } from '../wechat/order.ts';
import {
  contradictionOf,
  judge,
  standingOf,
  type Contradiction,
  type Held,
  type HeldUpload,
  type Judged,
  type Standing,
} from './decide.ts';
import type { ReconcileOptions } from './deps.ts';
import { factsOf, isNamed, keysOf, shownOf, type NamedOrder } from './facts.ts';
import { readHeldUploads, type Name } from './held-store.ts';
import { readEvents } from './lost.ts';
import { readFindings } from './store.ts';

/** One payment that WeChat showed, beside what we hold of it. */
export type Compared = {
  transactionId: string;
  orderState: number | null;
  amountFen: number | null;
  paidAt: Date | null;
  inComplaint: boolean;
  standing: Standing;
  contradiction: Contradiction | null;
  /** Null without a contradiction. */
  judged: Judged | null;
  shown: string | null;
  facts: Facts;
  /** The messages of a lost payment. */
  lost: Received[];
};

type Read = { appid: string; orders: readonly Order[]; readAt: Date };

/** Reads only. Each payment once; orders without a name of WeChat's are left out. */
export async function compareOrders(
  db: Queryable,
  options: Pick<ReconcileOptions, 'topics' | 'group' | 'apartMs'>,
  { appid, orders, readAt }: Read,
): Promise<Compared[]> {
  const byId = new Map(orders.filter(isNamed).map((order) => [order.transactionId, order]));
  if (byId.size === 0) return [];
  const names = [...byId.values()].flatMap(namesOf);
  const uploads = Map.groupBy(await readHeldUploads(db, appid, names), (one) => one.transactionId);
  const events = await readEvents(db, options, {
    appid,
    names: names.filter(({ transactionId }) => !uploads.has(transactionId)),
  });
  const findings = await readFindings(db, appid, [...byId.keys()]);
  return [...byId.values()].map((order) => {
    const { transactionId: id } = order;
    const event = events.get(id);
    const held = { uploads: uploads.get(id) ?? [], event: event?.place ?? ('none' as const) };
    const contradiction = contradictionOf(order, held);
    const before = findings.find((one) => one.transactionId === id && one.kind === contradiction?.kind);
    const judged =
      contradiction === null ? null : judge(contradiction, before, { readAt, apartMs: options.apartMs });
    const lost = contradiction?.kind === 'lost' ? (event?.lost ?? []) : [];
    return { ...describe(order, { appid, readAt, held }), contradiction, judged, lost };
  });
}

const namesOf = (order: NamedOrder): Name[] =>
  keysOf(order).map((payment) => ({ transactionId: order.transactionId, payment }));

function describe(
  order: NamedOrder,
  { appid, readAt, held }: { appid: string; readAt: Date; held: Held & { uploads: readonly HeldUpload[] } },
): Omit<Compared, 'contradiction' | 'judged' | 'lost'> {
  const facts = factsOf(order, { appid, readAt, uploads: held.uploads });
  return {
    transactionId: order.transactionId,
    orderState: order.orderState,
    amountFen: order.paidAmount,
    paidAt: facts.paidAt ?? null,
    inComplaint: order.inComplaint === true,
    standing: standingOf(order, held),
    shown: shownOf(order),
    facts,
  };
}
