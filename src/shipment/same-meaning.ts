import { suggestCarriers } from './carrier-aliases.ts';
import type { CarrierIds } from './combinations.ts';
import { readEventTime } from './event-time.ts';
import { maskPhone, tidyPhones } from './mask.ts';
import { MAX_PARCELS } from './problems.ts';
import { cutItemDesc, isWhole, maxItemDesc, spaceControls } from './texts.ts';
import { isTraceparent } from './traceparent.ts';

export type SameMeaningOptions = {
  carriers: CarrierIds;
  /** Mask clear phone numbers instead of refusing them. */
  maskContacts?: boolean;
  /** Take a carrier's name, or another system's code, for the one id that it can mean. */
  carrierAliases?: boolean;
};

/** The event with what means the same in the contract's own form, and a line for each change. */
export type SameMeaning = { event: unknown; notes: string[] };

type Members = Readonly<Record<string, unknown>>;
type Note = (field: string, change: string) => void;

/**
 * What means the same is taken, what means something else is refused: the table is wechat.md §11, and `fahuo.same_meaning` is
 * the same in SQL. Every change is one that the strict contract would refuse. Pure; copies what it changes.
 */
export function sameMeaning(input: unknown, options: SameMeaningOptions): SameMeaning {
  const notes: string[] = [];
  const note: Note = (field, change) => void notes.push(`${field}: ${change}`);
  if (!isMembers(input)) return { event: input, notes };
  const event = sameAttributes(withoutNulls(input, '', note), note);
  const { data } = event;
  const same = isMembers(data) ? put(event, 'data', sameData(data, { options, note })) : event;
  return { event: same, notes };
}

type How = { options: SameMeaningOptions; note: Note };

function sameAttributes(event: Members, note: Note): Members {
  const { time, traceparent } = event;
  const read = typeof time === 'string' ? readEventTime(time) : null;
  if (read !== null && read !== time) note('time', `read as ${read}`);
  const timed = read === null ? event : put(event, 'time', read);
  if (traceparent === undefined || isTraceparent(traceparent)) return timed;
  note('traceparent', 'is none of the W3C and is left out');
  return without(timed, ['traceparent']);
}

function sameData(data: Members, how: How): Members {
  const plain = withoutNulls(data, 'data.', how.note);
  const { order_key: key, payer, shipping_list: list, logistics_type: type } = plain;
  return putAll(plain, {
    order_key: isMembers(key) ? sameOrderKey(key, how.note) : key,
    payer: isMembers(payer) ? withoutNulls(payer, 'data.payer.', how.note) : payer,
    shipping_list:
      Array.isArray(list) && list.length <= MAX_PARCELS
        ? list.map((parcel: unknown, index) =>
            isMembers(parcel)
              ? sameParcel(parcel, { ...how, at: `data.shipping_list[${index}].`, type })
              : parcel,
          )
        : list,
  });
}

function sameOrderKey(key: Members, note: Note): Members {
  const at = 'data.order_key.';
  const plain = withoutNulls(key, at, note);
  const type = plain['order_number_type'];
  if (type === 2) {
    const ignored = ['mchid', 'out_trade_no'].filter((name) => plain[name] !== undefined);
    for (const name of ignored) note(at + name, 'WeChat ignores it for order_number_type 2; left out');
    return without(plain, ignored);
  }
  return type === 1 ? withoutEmpty(plain, { names: ['transaction_id'], at, note }) : plain;
}

type Where = How & { at: string; type: unknown };

function sameParcel(parcel: Members, where: Where): Members {
  const { at, note, type } = where;
  const plain = withoutNulls(parcel, at, note);
  const described = putAll(plain, { item_desc: sameItemDesc(plain['item_desc'], where) });
  if (type !== 2 && type !== 3 && type !== 4) return sameExpress(described, where);
  const ignored = ['tracking_no', 'express_company', 'contact'].filter(
    (name) => described[name] !== undefined,
  );
  for (const name of ignored) note(at + name, `WeChat ignores it for logistics_type ${type}; left out`);
  return without(described, ignored);
}

function sameItemDesc(text: unknown, { at, note }: Where): unknown {
  if (typeof text !== 'string' || !isWhole(text)) return text;
  const spaced = spaceControls(text);
  if (spaced !== text) note(`${at}item_desc`, 'control characters became spaces');
  const cut = cutItemDesc(spaced);
  if (cut !== spaced) note(`${at}item_desc`, `cut to ${maxItemDesc} characters`);
  return cut;
}

function sameExpress(parcel: Members, where: Where): Members {
  const carried = sameCarrier(parcel, where);
  const { contact } = carried;
  if (Array.isArray(contact) && contact.length === 0) return emptyContact(carried, where);
  if (!isMembers(contact)) return carried;
  const same = sameContact(contact, where);
  const isEmpty = Object.values(same).every((value) => value === undefined);
  return isEmpty ? emptyContact(carried, where) : put(carried, 'contact', same);
}

function sameCarrier(parcel: Members, { at, note, options }: Where): Members {
  const company = parcel['express_company'];
  if (options.carrierAliases !== true || typeof company !== 'string' || options.carriers.has(company))
    return parcel;
  const [carrier, ...others] = suggestCarriers(company, options.carriers);
  if (carrier === undefined || others.length > 0) return parcel;
  note(`${at}express_company`, `taken as ${carrier}`);
  return put(parcel, 'express_company', carrier);
}

function emptyContact(parcel: Members, { at, note }: Where): Members {
  note(`${at}contact`, 'is empty and left out');
  return without(parcel, ['contact']);
}

const phones = ['consignor_contact', 'receiver_contact'];

function sameContact(contact: Members, { at, note, options }: Where): Members {
  const within = `${at}contact.`;
  const plain = withoutEmpty(withoutNulls(contact, within, note), { names: phones, at: within, note });
  const changes = phones.flatMap((name): [string, string][] => {
    const phone = plain[name];
    if (typeof phone !== 'string') return [];
    const tidy = tidyPhones(options.maskContacts === true ? maskPhone(phone) : phone);
    if (tidy === phone) return [];
    note(within + name, phone.includes('*') ? 'spaces and extensions are left out' : 'masked');
    return [[name, tidy]];
  });
  return putAll(plain, Object.fromEntries(changes));
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `fromEntries` defines a member that is called `__proto__` like any other. */
const without = (members: Members, names: readonly string[]): Members =>
  names.length === 0
    ? members
    : Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));

const put = (members: Members, name: string, value: unknown): Members =>
  members[name] === value ? members : { ...members, [name]: value };

const putAll = (members: Members, values: Members): Members =>
  Object.entries(values).reduce(
    (all, [name, value]) => (value === undefined ? all : put(all, name, value)),
    members,
  );

function withoutNulls(members: Members, at: string, note: Note): Members {
  const entries = Object.entries(members);
  const kept = entries.filter(([, value]) => value !== null);
  if (kept.length === entries.length) return members;
  for (const [name, value] of entries) if (value === null) note(at + name, 'null is left out');
  return Object.fromEntries(kept);
}

type Empty = { names: readonly string[]; at: string; note: Note };

function withoutEmpty(members: Members, { names, at, note }: Empty): Members {
  const empty = names.filter((name) => members[name] === '');
  for (const name of empty) note(at + name, 'is empty and left out');
  return without(members, empty);
}
