/** What the orders of a campaign are to go through, and what must come of it. */

/** Parts of a thousand. `old` ones were shipped before fahuo was there: a backfill alone sees them. */
const weights = {
  /** Shipped by express, and that is all. */
  plain: 330,
  /** Shipped together with others, by one statement. */
  together: 120,
  virtual: 40,
  pickUp: 40,
  /** Something that is watched is written before the order ships, in a transaction of its own. */
  touchedBefore: 40,
  /** Two waybills, in the transaction that ships. */
  twiceInOne: 30,
  /** Two waybills, the second at once after the first has committed: which of them is seen first is chance. */
  hasty: 30,
  /** The waybill changes when the first one has been said. */
  changed: 40,
  /** Shipped, rolled back, and shipped with another waybill. */
  retried: 40,
  refundedAfter: 30,
  old: 110,
  /** Nothing may come of the rest. */
  rolledBack: 50,
  rolledBackPart: 20,
  balance: 30,
  refundedBefore: 30,
  neverShipped: 10,
  oldRefunded: 10,
  oldBalance: 10,
} as const;

export type OrderKind = keyof typeof weights;
export const orderKinds = Object.keys(weights) as OrderKind[];

const unseen: readonly OrderKind[] = [
  'rolledBack',
  'rolledBackPart',
  'balance',
  'refundedBefore',
  'neverShipped',
  'oldRefunded',
  'oldBalance',
];
/** Whether WeChat is to hear of it, once. */
export const isShipped = ({ kind }: Order): boolean => !unseen.includes(kind);
export const isOld = ({ kind }: Order): boolean => kind.startsWith('old');
export const isBalance = ({ kind }: Order): boolean => kind === 'balance' || kind === 'oldBalance';

export const carriers = ['ZTO', 'YTO', 'SF'] as const;
export type Carrier = (typeof carriers)[number];

export type Order = {
  id: number;
  kind: OrderKind;
  carrier: Carrier;
  /** The waybills that committed, the newest last. */
  waybills: string[];
  /** Waybills of transactions that rolled back, or were cut off before they committed. */
  undone: string[];
};

/** What a shop's clerk does to an order. */
export type Act =
  | { kind: 'ship' | 'change' | 'shipUndone'; order: Order }
  | { kind: 'together'; orders: Order[] }
  | { kind: 'touch' | 'refundBefore' | 'refundAfter' | 'receive'; order: Order }
  /** Writes what nobody watches, in rows that all writers write: a deadlock, where two take them crosswise. */
  | { kind: 'remark'; orders: Order[] };

export type Transaction = {
  acts: Act[];
  end: 'commit' | 'rollback';
  /** Each statement commits by itself, as in shops without transactions. */
  auto: boolean;
  pauseMs: number;
};

export type Plan = { orders: Order[]; writers: Transaction[][] };

const firstId = 10_000;
const hotOrders = 3;
const writerCount = 8;
const most = 4;

/** Orders of all kinds, and the transactions of eight writers that lead each where it is to go. Pure. */
export function planOrders(count: number, random: () => number, spreadMs: number): Plan {
  const orders = Array.from({ length: count }, (_, index): Order => {
    const carrier = carriers[Math.floor(random() * carriers.length)]!;
    return { id: firstId + index, kind: pickKind(random), carrier, waybills: [], undone: [] };
  });
  const hot = orders.slice(0, hotOrders);
  for (const order of hot) order.kind = 'neverShipped';
  const writers = Array.from({ length: writerCount }, (_, writer) => {
    const own = orders.filter((order, index) => index % writerCount === writer && !isOld(order));
    return planWriter(own, { hot, random, spreadMs });
  });
  return { orders, writers };
}

function pickKind(random: () => number): OrderKind {
  let draw = random() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  for (const kind of orderKinds) {
    if (draw < weights[kind]) return kind;
    draw -= weights[kind];
  }
  return 'plain';
}

type Frame = { hot: readonly Order[]; random: () => number; spreadMs: number };

/** One writer's orders in their order, several a transaction; what comes later to an order comes some transactions later. */
function planWriter(orders: readonly Order[], { hot, random, spreadMs }: Frame): Transaction[] {
  const plan: Transaction[] = [];
  const later: Transaction[] = [];
  const add = (acts: Act[], end: Transaction['end'] = 'commit', auto = random() < 0.5): void => {
    plan.push({ acts: withRemarks(acts, { hot, random }), end, auto: auto && end === 'commit', pauseMs: 0 });
    while (later.length > 0 && random() < 0.5) plan.push(later.shift()!);
  };
  const left = [...orders];
  while (left.length > 0) {
    const group = left.splice(0, 1 + Math.floor(random() * most));
    for (const kind of new Set(group.map((order) => order.kind))) {
      const same = group.filter((order) => order.kind === kind);
      addGroup(kind, same, add);
    }
    for (const order of group.filter(isShipped))
      if (random() < 0.3 && !['changed', 'hasty'].includes(order.kind))
        later.push({ acts: [{ kind: 'receive', order }], end: 'commit', auto: true, pauseMs: 0 });
  }
  plan.push(...later);
  for (const transaction of plan) transaction.pauseMs = (2 * random() * spreadMs) / plan.length;
  return plan;
}

type Add = (acts: Act[], end?: Transaction['end'], auto?: boolean) => void;

const each = (kind: 'ship' | 'change' | 'shipUndone', orders: readonly Order[]): Act[] =>
  orders.map((order) => ({ kind, order }));
const eachOf = (kind: 'touch' | 'refundBefore' | 'refundAfter', orders: readonly Order[]): Act[] =>
  orders.map((order) => ({ kind, order }));

function addGroup(kind: OrderKind, orders: Order[], add: Add): void {
  switch (kind) {
    case 'plain':
    case 'virtual':
    case 'pickUp':
    case 'balance':
    case 'changed':
      return add(each('ship', orders));
    case 'together':
      for (const order of orders) order.carrier = orders[0]!.carrier;
      return add([{ kind: 'together', orders }], 'commit', false);
    case 'touchedBefore':
      add(eachOf('touch', orders));
      return add(each('ship', orders));
    case 'twiceInOne':
      return add([...each('ship', orders), ...each('change', orders)], 'commit', false);
    case 'hasty':
      add(each('ship', orders));
      return add(each('change', orders));
    case 'retried':
      add(each('ship', orders), 'rollback');
      return add(each('ship', orders));
    case 'refundedAfter':
      add(each('ship', orders));
      return add(eachOf('refundAfter', orders));
    case 'rolledBack':
      return add(each('ship', orders), 'rollback');
    case 'rolledBackPart':
      return add(each('shipUndone', orders), 'commit', false);
    case 'refundedBefore':
      return add(eachOf('refundBefore', orders), 'commit', false);
    case 'neverShipped':
    case 'old':
    case 'oldRefunded':
    case 'oldBalance':
      return;
  }
}

function withRemarks(acts: Act[], { hot, random }: Pick<Frame, 'hot' | 'random'>): Act[] {
  if (random() > 0.25) return acts;
  const order = (): Order => hot[Math.floor(random() * hot.length)]!;
  const remark = (): Act => ({ kind: 'remark', orders: [order()] });
  return [
    remark(),
    ...acts,
    remark(),
    ...(random() < 0.2 ? [{ kind: 'remark' as const, orders: [...hot] }] : []),
  ];
}
