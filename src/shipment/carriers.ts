import { readFileSync } from 'node:fs';

let carriers: ReadonlyMap<string, string> | undefined;

/**
 * The carriers that ship with fahuo: id → name, exactly as WeChat writes them. Ids are opaque and case-sensitive
 * (`dao`, `5Post`, `COMET-TECH`). A first check while the list of WeChat is not at hand; wechat.md §5.
 */
export function bundledCarriers(): ReadonlyMap<string, string> {
  carriers ??= parseCarriers(readFileSync(new URL('./delivery-ids.tsv', import.meta.url), 'utf8'));
  return carriers;
}

/** Reads lines of `id<TAB>name`. */
export function parseCarriers(text: string): ReadonlyMap<string, string> {
  const rows = text.split('\n').filter((line) => line.includes('\t'));
  return new Map(rows.map((line) => splitOnce(line.trimEnd())));
}

function splitOnce(line: string): [string, string] {
  const tab = line.indexOf('\t');
  return [line.slice(0, tab), line.slice(tab + 1)];
}
