export type Asking = { origin?: string | undefined; host?: string | undefined };

/**
 * Whether a page of somebody else makes a browser ask. Whoever asks without an `Origin` is no page, or reads alone. A name
 * with a dot may lead anywhere one moment and to this machine the next (DNS rebinding), so it is nobody's own page. Pure.
 */
export function isForeign({ origin, host = '' }: Asking): boolean {
  if (origin === undefined) return false;
  if (!URL.canParse(origin)) return true;
  const page = new URL(origin);
  return page.host !== host.toLowerCase() || !isNear(page.hostname);
}

/** An address, which a URL writes with digits or in brackets alone, or a name of this machine or network. */
const isNear = (name: string): boolean => /^[\d.]+$|^\[|^[^.]+$|\.localhost$/.test(name);
