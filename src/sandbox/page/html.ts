/** A piece of HTML that is safe to stand in a page: made by {@link html} alone. */
export type Html = { readonly html: string };
export type HtmlValue = string | number | Html | readonly Html[] | null;

/** The only way to a page: every value that is no {@link Html} is escaped, for texts and for quoted attributes. Pure. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return { html: String.raw({ raw: parts }, ...values.map(textOf)) };
}

/** Text that is HTML already: our own style and script, and nothing that came from outside. */
export const trusted = (text: string): Html => ({ html: text });

function textOf(value: HtmlValue): string {
  if (value === null) return '';
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
  return 'html' in value ? value.html : value.map((one) => one.html).join('');
}

const names: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => names[character] ?? '');
