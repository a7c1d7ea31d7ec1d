import { appid, shippedEvent, type LooseEvent } from './events.ts';

/**
 * What comes of shops and producers that do everything wrong, and what each of their events must be answered: written down
 * beside the events, and not computed by any code of the product.
 */
export type Commit = {
  door: 'sql' | 'kafka';
  /** Committed by two transactions that run side by side. */
  twice?: boolean;
  /** What has one key keeps its order. */
  key: string;
  event: LooseEvent;
};
/** One row of fahuo.events: any of these states, with this reason. */
export type Expected = {
  source: string;
  id: string;
  states: readonly string[];
  reason: string | null | RegExp;
};
export type Case = { kind: Kind; commits: Commit[]; expected: Expected[] };
type Change = { id?: string; version?: number; text?: string; appid?: string };
type Make = {
  event: (change?: Change) => LooseEvent;
  by: (door: Commit['door'], ...events: LooseEvent[]) => Commit[];
};
type Ends = Omit<Case, 'kind'>;

const ends = (commits: Commit[], ...expected: Expected[]): Ends => ({ commits, expected });
const answer = (event: LooseEvent, states: readonly string[], reason: Expected['reason']): Expected => ({
  source: event['source'] as string,
  id: event['id'] as string,
  states,
  reason,
});
const acknowledged = (event: LooseEvent): Expected => answer(event, ['acknowledged'], null);
const rejected = (event: LooseEvent, reason: string): Expected => answer(event, ['rejected'], reason);
/** Where a newer one is done first, the older is not sent any more. */
const acknowledgedOrOlder = (event: LooseEvent): Expected =>
  answer(event, ['acknowledged', 'superseded'], /^(newer_version)?$/);

const corrects = (event: LooseEvent): LooseEvent => ({
  ...event,
  type: 'fahuo.shipment.corrected.v1',
  reason: 'wrong number',
  approved_by: 'li.wei',
});

/** A split shipment: the first parcel, then both. */
function splitInTwo({ event }: Make): [LooseEvent, LooseEvent] {
  const [first, second] = [event(), event({ id: 'b', version: 2 })];
  const [parcel] = first.data.shipping_list;
  Object.assign(first.data, { delivery_mode: 2, is_all_delivered: false });
  Object.assign(second.data, {
    delivery_mode: 2,
    is_all_delivered: true,
    shipping_list: [parcel, { ...parcel, tracking_no: `${String(parcel!['tracking_no'])}B` }],
  });
  return [first, second];
}

const makers = {
  'good by SQL': ({ event, by }: Make) => ends(by('sql', event()), acknowledged(event())),
  'good by Kafka': ({ event, by }: Make) => ends(by('kafka', event()), acknowledged(event())),
  'committed twice at once': ({ event, by }: Make) =>
    ends(
      by('sql', event()).map((one) => ({ ...one, twice: true })),
      acknowledged(event()),
    ),
  'produced three times': ({ event, by }: Make) =>
    ends(by('kafka', event(), event(), event()), acknowledged(event())),
  'restated by the next version': (make: Make) => {
    const [first, second] = splitInTwo(make);
    return ends(make.by('sql', first, second), acknowledgedOrOlder(first), acknowledged(second));
  },
  'next version first': (make: Make) => {
    const [first, second] = splitInTwo(make);
    return ends(make.by('kafka', second, first), acknowledgedOrOlder(first), acknowledged(second));
  },
  'used id with other content': ({ event, by }: Make) => {
    const other = event({ text: '梨' });
    return ends(by('kafka', event(), other, other), acknowledged(event()), rejected(other, 'conflict'));
  },
  'used version with other content': ({ event, by }: Make) => {
    const other = event({ id: 'b', text: '梨' });
    return ends(by('kafka', event(), other), acknowledged(event()), rejected(other, 'conflict'));
  },
  'another id with the same content': ({ event, by }: Make) => {
    const other = event({ id: 'b' });
    return ends(by('kafka', event(), other), acknowledged(event()), acknowledged(other));
  },
  'one id of two sources': ({ event, by }: Make) => {
    const [first] = splitInTwo({ event, by });
    const second = { ...splitInTwo({ event, by })[1], id: first['id'], source: '/returns' };
    return ends(by('kafka', first, second), acknowledgedOrOlder(first), acknowledged(second));
  },
  broken: ({ event, by }: Make) => {
    const broken = event();
    broken.data.shipping_list[0]!['express_company'] = 'NOBODY';
    return ends(by('kafka', broken, broken), rejected(broken, 'invalid'));
  },
  'broken, then in order': ({ event, by }: Make) =>
    ends(by('kafka', { ...event(), version: '1' }, event()), acknowledged(event())),
  'names nothing': ({ event, by }: Make) => {
    const { id: _, ...nameless } = event();
    return ends(by('kafka', { ...nameless, data: { shipping_list: [] } }));
  },
  'unknown app': ({ event, by }: Make) => {
    const lost = event({ appid: 'wx9999999999999999' });
    return ends(by('sql', lost), answer(lost, ['waiting'], 'app_not_served'));
  },
  'corrected twice': ({ event, by }: Make) => {
    const second = corrects(event({ id: 'b', version: 2, text: '梨' }));
    const third = corrects(event({ id: 'c', version: 3, text: '桃' }));
    return ends(
      by('kafka', event(), second, third),
      acknowledged(event()),
      acknowledged(second),
      rejected(third, 'second_correction'),
    );
  },
} satisfies Record<string, (make: Make) => Ends>;
export type Kind = keyof typeof makers;
export const kinds = Object.keys(makers) as Kind[];

/** `number` makes the payment and the ids unique. Pure. */
export function caseOf(kind: Kind, number: number): Case {
  const payment = `42000012342026112300${String(number).padStart(8, '0')}`;
  const event = ({ id = 'a', version = 1, text, appid: app = appid }: Change = {}): LooseEvent => {
    const made = shippedEvent({ payment, id: `${number}-${id}`, version, appid: app });
    if (text !== undefined) made.data.shipping_list[0]!['item_desc'] = text;
    return made;
  };
  const by: Make['by'] = (door, ...events) =>
    events.map((one) => ({ door, key: `${appid}/${payment}`, event: one }));
  return { kind, ...makers[kind]({ event, by }) };
}
