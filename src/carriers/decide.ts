import { storable } from '../text.ts';
import type { ListedCarrier } from '../wechat/replies.ts';

type Carriers = ReadonlyMap<string, string>;

export type DecidedList =
  /** `changed`: those that are new, and those that have another name now. */
  { kind: 'take'; changed: [id: string, name: string][]; passedOver: number } | { kind: 'keep'; why: string };

/** Ids of WeChat are printable ASCII of at most 24 characters (wechat.md §5). A blank, a name or a whole text is none. */
const idShape = /^[\x21-\x7e]{1,64}$/;
const maxNameLength = 128;
/** Six times what WeChat has: what is kept is bounded, whatever answers come. */
const maxCarriers = 10_000;

/** Whether this may be an id that nobody knows yet. Pure. */
export const isCarrierId = (id: unknown): id is string => typeof id === 'string' && idShape.test(id);

/**
 * What an answer of `get_delivery_list` makes of the list. An id once known stays: an event that was frozen yesterday is
 * not refused today. What is added stays for ever, too, so an answer must look like this list to be taken at all: at least
 * half of the known ids, at most a tenth of odd entries, no more than 10,000 carriers. Odd entries are passed over, and
 * the first of two with one id stands. Pure.
 */
export function decideList(known: Carriers, entries: readonly ListedCarrier[]): DecidedList {
  if (entries.length > maxCarriers) return keep(`it has ${entries.length} entries`);
  const listed = new Map<string, string>();
  let odd = 0;
  for (const { id, name } of entries)
    if (!isCarrierId(id)) odd += 1;
    else if (!listed.has(id)) listed.set(id, nameOf(name) ?? known.get(id) ?? id);
  if (odd * 10 > entries.length) return keep(`${odd} of its ${entries.length} entries have no proper id`);
  const missing = [...known.keys()].filter((id) => !listed.has(id)).length;
  if (missing * 2 > known.size) return keep(`it lacks ${missing} of ${known.size} known carriers`);
  const changed = [...listed].filter(([id, name]) => known.get(id) !== name);
  const added = changed.filter(([id]) => !known.has(id)).length;
  if (known.size + added > maxCarriers) return keep(`with it there would be ${known.size + added} carriers`);
  return { kind: 'take', changed, passedOver: entries.length - listed.size };
}

const keep = (why: string): DecidedList => ({ kind: 'keep', why });

function nameOf(name: unknown): string | null {
  const text = typeof name === 'string' ? storable(name).trim() : '';
  return text === '' || text.length > maxNameLength ? null : text;
}
