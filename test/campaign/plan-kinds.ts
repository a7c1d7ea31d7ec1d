import type { Omission } from '../../src/sandbox/omissions.ts';
import { appid, shippedEvent, type LooseEvent } from '../support/events.ts';
import type { End, Fate, Planned } from './plan.ts';

type Made = { number: number; random: () => number };

/** Reads of these show nothing for longer than two reads take: the window in which only frozen bytes help. */
const longLagMs = 3_000;
/** And of these nothing as long as the campaign lasts. */
const neverMs = 3_600_000;
/** A claim of such a payment is slowed down by the campaign's trigger, so that two claims meet. */
export const invertedPrefix = '49';
/** A day without a readable answer is over at once for these, by the campaign's trigger. */
export const agedPrefix = '48';

const named = (prefix: string, number: number): string => `${prefix}${String(number).padStart(26, '0')}`;

type Parcel = { tracking_no?: string; express_company?: string; item_desc: string };
const parcelsOf = (payment: string, letters: string): Parcel[] =>
  Array.from(letters, (letter) => ({
    tracking_no: `${payment}-${letter}`,
    express_company: 'SF',
    item_desc: '红富士苹果 5kg*1',
    contact: { receiver_contact: '138****1234' },
  }));

/** One version: `letters` are its parcels. */
function splitEvent(payment: string, version: number, letters: string, all = false): LooseEvent {
  const event = shippedEvent({ payment, version, appid });
  event.data['delivery_mode'] = 2;
  event.data['is_all_delivered'] = all;
  event.data.shipping_list = parcelsOf(payment, letters);
  return event;
}

function unifiedEvent(payment: string, version: number, itemDesc?: string): LooseEvent {
  const event = shippedEvent({ payment, version, appid });
  if (itemDesc !== undefined) event.data.shipping_list[0]!['item_desc'] = itemDesc;
  return event;
}

/** Same-city 2, virtual goods 3, pick-up 4: one entry with nothing but a text. */
function plainEvent(payment: string, version: number, type: number): LooseEvent {
  const event = shippedEvent({ payment, version, appid });
  event.data['logistics_type'] = type;
  event.data.shipping_list = [{ item_desc: '会员一年' }];
  return event;
}

const corrected = (event: LooseEvent): LooseEvent => ({
  ...event,
  type: 'fahuo.shipment.corrected.v1',
  reason: 'campaign',
  approved_by: 'campaign',
});
const correctionOf = (payment: string, version: number): LooseEvent =>
  corrected(unifiedEvent(payment, version, '改正的商品'));

const acknowledged = (events: readonly LooseEvent[]): End[] => events.map(() => 'acknowledged');
const pick = <T>(list: readonly T[], random: () => number): T => list[Math.floor(random() * list.length)]!;

function single(
  prefix: string,
  number: number,
  fate: Fate = 'applied',
  end: End = 'acknowledged',
  omits: readonly Omission[] = [],
): Planned {
  const payment = named(prefix, number);
  return {
    payment,
    fate,
    events: [unifiedEvent(payment, 1)],
    ends: [end],
    ...(omits.length > 0 ? { omits } : {}),
  };
}

/** Half of them without the members that say that all is shipped: order_state alone says so (wechat.md §1.3). */
const someFinishUnsaid = (random: () => number): Omission[] => (random() < 0.5 ? ['finish'] : []);

function inverted({ number }: Made): Planned {
  const payment = named(invertedPrefix, number);
  const events = [splitEvent(payment, 2, 'ab', true), splitEvent(payment, 1, 'a')];
  return { payment, fate: 'inverted', events, ends: ['acknowledged', 'overtaken'] };
}

/** After a first part another mode or type: as `shipped` that spends the chance and must not be sent; as `corrected` it may. */
function changedKind({ number, random }: Made): Planned {
  const payment = named('42', number);
  const other = pick(
    [unifiedEvent(payment, 2), plainEvent(payment, 2, 4), plainEvent(payment, 2, 2)] as const,
    random,
  );
  const way = random();
  const open = splitEvent(payment, 1, 'a');
  if (way < 0.35)
    return {
      payment,
      fate: 'applied',
      events: [open, corrected(other)],
      ends: ['acknowledged', 'acknowledged'],
    };
  if (way < 0.75)
    return { payment, fate: 'applied', events: [open, other], ends: ['acknowledged', 'conflict'] };
  const events = [open, other, correctionOf(payment, 3)];
  return { payment, fate: 'applied', events, ends: ['acknowledged', 'conflict', 'acknowledged'] };
}

/** An unfinished split whose second version has a parcel less; where WeChat merges, it cannot be taken back. */
function droppedParcel({ number, random }: Made): Planned {
  const payment = named('42', number);
  const events = [splitEvent(payment, 1, 'ab'), splitEvent(payment, 2, 'a')];
  const ends: End[] = ['acknowledged', 'either'];
  if (random() < 0.5) {
    events.push(splitEvent(payment, 3, 'abc', true));
    ends.push('acknowledged');
  }
  return { payment, fate: 'applied', events, ends };
}

/** The same event under the payment's other name. */
function byMerchant(event: LooseEvent, merchant: { mchid: string; out_trade_no: string }): LooseEvent {
  return { ...event, data: { ...event.data, order_key: { order_number_type: 1, ...merchant } } };
}

/** Versions under both names. Written at once, they may overtake one another: their topics' partitions differ. */
function twoKeys({ number, random }: Made): Planned {
  const payment = named('42', number);
  const merchant = { mchid: '1900000001', out_trade_no: `T${payment}` };
  const first = random() < 0.5 ? 0 : 1;
  const alternate = (events: readonly LooseEvent[]): LooseEvent[] =>
    events.map((event, index) => (index % 2 === first ? byMerchant(event, merchant) : event));
  const way = random();
  if (way < 0.6) {
    const events = ['a', 'ab', 'abc'].map((letters, index) =>
      splitEvent(payment, index + 1, letters, index === 2),
    );
    return {
      payment,
      merchant,
      fate: 'applied',
      events: alternate(events),
      ends: ['overtaken', 'overtaken', 'acknowledged'],
    };
  }
  const second = unifiedEvent(payment, 2, '改正的商品');
  const approved = way < 0.8;
  return {
    payment,
    merchant,
    fate: 'staged',
    events: alternate([unifiedEvent(payment, 1), approved ? corrected(second) : second]),
    ends: ['acknowledged', approved ? 'acknowledged' : 'conflict'],
  };
}

/** Somebody works on the payment in the console between two versions. */
function edited({ number, random }: Made): Planned {
  const payment = named('42', number);
  const open = splitEvent(payment, 1, 'a');
  const rest = splitEvent(payment, 2, 'ab', true);
  const foreign = { tracking_no: `${payment}-x`, express_company: 'YTO', item_desc: '店员加的' };
  const ways: readonly Pick<Planned, 'events' | 'ends' | 'edits'>[] = [
    // The mode is changed: the chance is spent.
    { events: [open, rest], ends: ['acknowledged', 'conflict'], edits: new Map([[1, { delivery_mode: 1 }]]) },
    // All is shipped, with another parcel.
    {
      events: [open, rest],
      ends: ['acknowledged', 'conflict'],
      edits: new Map([[1, { is_all_delivered: true, shipping_list: [...parcelsOf(payment, 'a'), foreign] }]]),
    },
    // All is shipped as the next version has it.
    {
      events: [open, rest],
      ends: ['acknowledged', 'elsewhere'],
      edits: new Map([[1, { is_all_delivered: true, shipping_list: parcelsOf(payment, 'ab') }]]),
    },
    // A parcel is added, and the payment stays open.
    {
      events: [open, rest],
      ends: ['acknowledged', 'contested'],
      edits: new Map([[1, { shipping_list: [...parcelsOf(payment, 'a'), foreign] }]]),
    },
    // A finished payment is edited: its chance is spent, and a correction comes too late.
    {
      events: [unifiedEvent(payment, 1), correctionOf(payment, 2)],
      ends: ['acknowledged', 'conflict'],
      edits: new Map([[1, { shipping_list: [foreign] }]]),
    },
  ];
  return { payment, fate: 'staged', ...pick(ways, random) };
}

/** WeChat says that all is shipped, or that the chance is gone, and no read shows it: neither version may go out again. */
function finishedCode({ number, random }: Made): Planned {
  const payment = named(agedPrefix, number);
  return {
    payment,
    fate: 'finished_code',
    events: [unifiedEvent(payment, 1), unifiedEvent(payment, 2, '改正的商品')],
    ends: ['unsent', 'unsent'],
    finishedCode: pick([10060002, 10060003], random),
    readLagMs: neverMs,
  };
}

/** Goods without a parcel, which get_order shows in several incomplete ways (wechat.md §10). */
function withoutParcel({ number, random }: Made): Planned {
  const payment = named('42', number);
  return {
    payment,
    fate: 'applied',
    events: [plainEvent(payment, 1, pick([2, 3, 4], random))],
    ends: ['acknowledged'],
    losesFirstAnswer: true,
    omits: pick([[], ['shipping_list'], ['empty_list'], ['item_texts'], ['finish']] as const, random),
  };
}

/** Virtual goods that WeChat completed by itself before we said anything (wechat.md §10): nothing is to be shipped. */
function settled({ number }: Made): Planned {
  const payment = named('42', number);
  return { payment, fate: 'applied', events: [plainEvent(payment, 1, 3)], ends: ['rejected'], orderState: 4 };
}

const shares: readonly [upTo: number, make: (made: Made) => Planned][] = [
  [0.02, ({ number, random }) => single('42', number, 'conflict', 'conflict', someFinishUnsaid(random))],
  [0.03, ({ number, random }) => single('42', number, 'elsewhere', 'elsewhere', someFinishUnsaid(random))],
  [0.045, ({ number }) => single('42', number, 'refused', 'rejected')],
  [0.065, changedKind],
  [0.085, droppedParcel],
  [0.12, twoKeys],
  [0.14, edited],
  [0.15, finishedCode],
  [0.17, withoutParcel],
  [0.175, settled],
];
const invertedUpTo = 0.225;

/** A payment that something happens to; null for one of the others. */
function special(kind: number, made: Made, mayInvert: boolean): Planned | null {
  const found = shares.find(([upTo]) => kind < upTo);
  if (found !== undefined) return found[1](made);
  return kind < invertedUpTo && mayInvert ? inverted(made) : null;
}

/** Most payments ship once; some in three cumulative parcel lists; a few are corrected after that. */
function ordinary({ number, random }: Made): Planned {
  const payment = named('42', number);
  const kind = random();
  const events =
    kind < 0.15
      ? ['a', 'ab', 'abc'].map((letters, index) => splitEvent(payment, index + 1, letters, index === 2))
      : [unifiedEvent(payment, 1)];
  if (kind > 0.88 || kind < 0.03) events.push(correctionOf(payment, events.length + 1));
  const weather = random();
  return {
    payment,
    fate: 'applied',
    events,
    ends: acknowledged(events),
    ...(weather < 0.03 ? { visibleAfterMs: Math.round(300 + random() * 1_500) } : {}),
    ...(weather > 0.9 ? { readLagMs: longLagMs } : {}),
  };
}

export const kinds = { special, ordinary, single };
