import { shippedEvent, type LooseEvent } from '../support/events.ts';

export const appid = 'wx0123456789abcdef';

/**
 * What must become of a payment's events. `applied`: each takes effect once, in order. `refused`: WeChat refuses it.
 * `conflict` and `elsewhere`: somebody ships it in the console, with other or with the same content, while our
 * first outcome is open. `inverted`: the older event comes late, from a producer without an outbox, while the newer one
 * is being claimed: it takes effect before the newer one, or not at all.
 */
export type Fate = 'applied' | 'refused' | 'conflict' | 'elsewhere' | 'inverted';

/** One payment's events, in the order in which they are written. */
export type Planned = {
  payment: string;
  fate: Fate;
  events: LooseEvent[];
  /** What the sandbox is told before the start. */
  visibleAfterMs?: number;
  readLagMs?: number;
};

/** Reads of these show nothing for longer than two reads take: the window in which only frozen bytes help. */
const longLagMs = 3_000;
/** A claim of such a payment is slowed down by the campaign's trigger, so that two claims meet. */
export const invertedPrefix = '49';
const mostInverted = 12;

const splitEvent = (payment: string, version: number, parcels: number, all: boolean): LooseEvent => {
  const event = shippedEvent({ payment, version, appid });
  const [parcel] = event.data.shipping_list;
  event.data['delivery_mode'] = 2;
  event.data['is_all_delivered'] = all;
  event.data.shipping_list = Array.from({ length: parcels }, (_, index) => ({
    ...parcel,
    tracking_no: `${payment}-${index}`,
  }));
  return event;
};

function correctionOf(payment: string, version: number): LooseEvent {
  const event = shippedEvent({ payment, version, appid });
  event.data.shipping_list[0]!['item_desc'] = '改正的商品';
  return { ...event, type: 'fahuo.shipment.corrected.v1', reason: 'campaign', approved_by: 'campaign' };
}

const named = (prefix: string, number: number): string => `${prefix}${String(number).padStart(26, '0')}`;

/** One event that something happens to, or two in the wrong order. */
function special(kind: number, number: number, mayInvert: boolean): Planned | null {
  const single = (fate: Fate): Planned => {
    const payment = named('42', number);
    return { payment, fate, events: [shippedEvent({ payment, appid })] };
  };
  if (kind < 0.02) return single('conflict');
  if (kind < 0.03) return single('elsewhere');
  if (kind < 0.045) return single('refused');
  if (kind > 0.1 || !mayInvert) return null;
  const payment = named(invertedPrefix, number);
  return {
    payment,
    fate: 'inverted',
    events: [splitEvent(payment, 2, 2, true), splitEvent(payment, 1, 1, false)],
  };
}

/** Most payments ship once; some in three cumulative parcel lists; a few are corrected after that. */
function ordinary(number: number, random: () => number): Planned {
  const payment = named('42', number);
  const kind = random();
  const events =
    kind < 0.15
      ? [1, 2, 3].map((version) => splitEvent(payment, version, version, version === 3))
      : [shippedEvent({ payment, appid })];
  if (kind > 0.88 || kind < 0.03) events.push(correctionOf(payment, events.length + 1));
  const weather = random();
  return {
    payment,
    fate: 'applied',
    events,
    ...(weather < 0.03 ? { visibleAfterMs: Math.round(300 + random() * 1_500) } : {}),
    ...(weather > 0.9 ? { readLagMs: longLagMs } : {}),
  };
}

/** Exactly `count` events, and the same ones for the same seed. */
export function planEvents(count: number, random: () => number): Planned[] {
  const plans: Planned[] = [];
  let inverted = 0;
  for (let left = count; left > 0;) {
    const found = special(random(), plans.length, inverted < mostInverted) ?? ordinary(plans.length, random);
    const payment = named('42', plans.length);
    const plan =
      found.events.length <= left
        ? found
        : ({ payment, fate: 'applied', events: [shippedEvent({ payment, appid })] } satisfies Planned);
    if (plan.fate === 'inverted') inverted += 1;
    left -= plan.events.length;
    plans.push(plan);
  }
  return plans;
}
