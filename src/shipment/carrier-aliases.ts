import aliases from './carrier-aliases.json' with { type: 'json' };
import { bundledCarriers } from './carriers.ts';

/** What another system calls a carrier; wechat.md §5.1 has the sources. */
export type CarrierAlias = { alias: string; carrierId: string; system: string };

const spacesAtEnds = /^[ \t\u00a0\u3000]+|[ \t\u00a0\u3000]+$/gu;
const businessWords = /(?:快递|速运|速递|物流|公司|集团|股份|有限|责任)+$/u;

/** How aliases are looked up: without spaces at the ends, Latin letters in lower case. */
export const aliasKey = (text: string): string =>
  text.replace(spacesAtEnds, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** A name without what a carrier's name may end in: 顺丰快递公司 and 顺丰速运 are both 顺丰. */
export const nameStem = (key: string): string => key.replace(businessWords, '');

const asRow = ([alias, carrierId, system]: readonly string[]): CarrierAlias => ({
  alias: aliasKey(alias ?? ''),
  carrierId: carrierId ?? '',
  system: system ?? '',
});

/** What follows from a carrier's own id and name: the id in another case, the name, and the name's stem. */
export const aliasesOf = (id: string, name: string): CarrierAlias[] => unique(ownWords(id, name));

const ownWords = (id: string, name: string): CarrierAlias[] => [
  asRow([id, id, 'id']),
  asRow([name, id, 'name']),
  asRow([nameStem(aliasKey(name)), id, 'name']),
];

/** A row an alias and carrier: codes of other systems first, then what follows from ids and names. */
export function bundledAliases(): CarrierAlias[] {
  const own = [...bundledCarriers()].flatMap(([id, name]) => ownWords(id, name));
  return unique([...aliases.map(asRow), ...own]);
}

/** Of several rows with one alias and carrier the first. */
function unique(rows: readonly CarrierAlias[]): CarrierAlias[] {
  const named = rows.filter(({ alias }) => alias !== '').reverse();
  return [...new Map(named.map((row) => [`${row.alias}\n${row.carrierId}`, row])).values()];
}

let byAlias: Map<string, string[]> | undefined;
const known = (): Map<string, string[]> => {
  if (byAlias !== undefined) return byAlias;
  byAlias = new Map();
  for (const { alias, carrierId } of bundledAliases())
    byAlias.set(alias, [...(byAlias.get(alias) ?? []), carrierId].sort());
  return byAlias;
};

/** The ids that a word in the form of {@link aliasKey} may mean, sorted; the bundled words where a list has none. */
export type AliasLookup = { called?: (alias: string) => readonly string[] };

/** More of them are no suggestion. */
const maxSuggestions = 3;

/**
 * The ids that a carrier's name, or a code of another system, may mean; none where there are more than three.
 * `fahuo.carrier_suggestions` is the same in SQL, over `fahuo.carrier_alias`.
 */
export function suggestCarriers(
  text: string,
  carriers: { has: (id: string) => boolean } & AliasLookup,
): string[] {
  const key = aliasKey(text);
  const called = (alias: string): readonly string[] => carriers.called?.(alias) ?? known().get(alias) ?? [];
  const listed = (alias: string): string[] => called(alias).filter((id) => carriers.has(id));
  const exact = listed(key);
  const found = exact.length > 0 ? exact : listed(nameStem(key));
  return found.length > maxSuggestions ? [] : found;
}
