/** Four clear digits at the end, at least one star, digits and separators before them; several with commas (wechat.md §5.2). */
const maskedPhones = /^[+0-9*-]*\*[+0-9*-]*[0-9]{2}-?[0-9]{2}(?:,[+0-9*-]*\*[+0-9*-]*[0-9]{2}-?[0-9]{2})*$/;

export const isMasked = (text: string): boolean => maskedPhones.test(text);

const spaces = /[ \t\u00a0\u3000]+/gu;
const listSeparators = /[，;；、/]/gu;
/** 转, 分机: what is dialled after the number. */
const namedExtension = /(?:转|分机|ext\.?|#)[:：]?[0-9]{1,8}(?=,|$)/giu;

/** Masked numbers as people write them: spaces, other separators, an extension in words. A text without a mask stays as it is. */
export const tidyPhones = (text: string): string =>
  text.includes('*')
    ? text.replace(spaces, '').replace(listSeparators, ',').replace(namedExtension, '')
    : text;

/**
 * Phone numbers as WeChat wants them in `contact`: the last four digits clear, the rest starred, several with commas between
 * (wechat.md §5.2). The last four of a number stand before its extension (`12345678901-1234`, `0755-88888888-801`).
 */
export function maskPhone(phone: string): string {
  const parts = phone.split(/[,，;；、/]/u);
  if (!parts.some(isClear)) return phone;
  return parts
    .filter((part) => part.trim() !== '')
    .map((part) => (isClear(part) ? maskOne(part) : part.trim()))
    .join(',');
}

const isClear = (part: string): boolean => !part.includes('*') && digitsOf(part).length >= 4;

const digitsOf = (text: string): string => text.replace(/[^0-9]/g, '');

function maskOne(phone: string): string {
  const digits = digitsOf(withoutExtension(phone.replace(/^\s*(?:\+86|0086|\(86\)|86-)/u, '')));
  return `${headOf(digits)}****${digits.slice(-4)}`;
}

/** 1 and ten digits are a mobile number, 0 and more an area with eight digits after it; of others nothing is shown. */
function headOf(digits: string): string {
  if (/^1[0-9]{10}$/.test(digits)) return digits.slice(0, 3);
  if (/^86(1[0-9]{10})$/.test(digits)) return digits.slice(2, 5);
  return /^0[0-9]{10,11}$/.test(digits) ? digits.slice(0, -8) : '';
}

function withoutExtension(phone: string): string {
  const named = /^(.*?)\s*(?:转|分机|ext\.?|x|#)\s*[:：]?\s*[0-9]{1,8}\s*$/iu.exec(phone)?.[1];
  if (named !== undefined) return named;
  const before = /^(.*)[-\s][0-9]{1,6}\s*$/u.exec(phone)?.[1] ?? '';
  const digits = digitsOf(before);
  return /^1[0-9]{10}$/.test(digits) || /^0[0-9]{9,11}$/.test(digits) ? before : phone;
}

type Members = Readonly<Record<string, unknown>>;

/** A copy of the event with every contact masked; anything that is not shaped like an event is returned as it is. */
export function maskContacts(event: unknown): unknown {
  const list = (event as { data?: { shipping_list?: unknown } } | null)?.data?.shipping_list;
  if (!Array.isArray(list)) return event;
  const { data, ...others } = event as { data: Members };
  return { ...others, data: { ...data, shipping_list: list.map(maskParcel) } };
}

/** {@link maskContacts} for each part of a combined event. */
export function maskCombined(event: unknown): unknown {
  const parts = (event as { data?: { sub_orders?: unknown } } | null)?.data?.sub_orders;
  if (!Array.isArray(parts)) return event;
  const { data, ...others } = event as { data: Members };
  const masked = parts.map((part: unknown) => (maskContacts({ data: part }) as Members)['data']);
  return { ...others, data: { ...data, sub_orders: masked } };
}

/** What stands in the list may be anything: the contract says so afterwards. */
const maskParcel = (parcel: unknown): unknown =>
  isMembers(parcel) && isMembers(parcel['contact'])
    ? { ...parcel, contact: Object.fromEntries(Object.entries(parcel['contact']).map(maskMember)) }
    : parcel;

const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null;

const maskMember = ([name, phone]: [string, unknown]): [string, unknown] => [
  name,
  typeof phone === 'string' ? maskPhone(phone) : phone,
];
