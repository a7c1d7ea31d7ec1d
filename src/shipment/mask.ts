/**
 * A phone number as WeChat wants it in `contact`: the last four digits clear, the rest starred (wechat.md §5). Of several
 * with commas between, the first; of a virtual number, what stands before its extension (`12345678901-1234`).
 */
export function maskPhone(phone: string): string {
  if (phone.includes('*')) return phone;
  const [first = ''] = phone.split(/[,，;；/]/);
  const digits = (/^\s*(1\d{10})-\d{1,6}\s*$/.exec(first)?.[1] ?? first).replace(/\D/g, '');
  if (digits.length < 4) return phone;
  const head = digits.length >= 11 ? digits.slice(-11, -8) : '';
  return `${head}****${digits.slice(-4)}`;
}

type Loose = { data?: { shipping_list?: { contact?: Record<string, unknown> }[] } };

/** A copy of the event with every contact masked; anything that is not shaped like an event is returned as it is. */
export function maskContacts(event: unknown): unknown {
  const list = (event as Loose | null)?.data?.shipping_list;
  if (!Array.isArray(list)) return event;
  const masked = structuredClone(event) as Required<Loose>;
  for (const { contact } of (masked.data.shipping_list ?? []).filter(hasContact))
    for (const [member, phone] of Object.entries(contact))
      if (typeof phone === 'string') contact[member] = maskPhone(phone);
  return masked;
}

/** What stands in the list may be anything: the contract says so afterwards. */
const hasContact = (parcel: unknown): parcel is { contact: Record<string, unknown> } =>
  typeof parcel === 'object' &&
  parcel !== null &&
  'contact' in parcel &&
  typeof parcel.contact === 'object' &&
  parcel.contact !== null;
