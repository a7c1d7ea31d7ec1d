import { describe, expect, it } from 'vitest';
import { outcomeTable } from '../../../src/wechat/outcome-table.ts';
import { documents, readText, sources } from '../../support/documents.ts';

const facts = readText('docs/wechat.md');
const beforeSources = facts.slice(0, facts.indexOf('\n## Sources'));

/** `6.1` of a heading, and `7.9` of the ninth item of section 7. */
function sections(text: string): Set<string> {
  const found = new Set<string>();
  let section = '';
  for (const line of text.split('\n')) {
    const heading = /^#+ (\d+(?:\.\d+)?)\.? /.exec(line)?.[1];
    const item = /^(\d+)\. /.exec(line)?.[1];
    if (line.startsWith('#')) section = heading ?? '';
    if (heading !== undefined) found.add(heading);
    else if (item !== undefined && section !== '') found.add(`${section}.${item}`);
  }
  return found;
}

/** Citations of `wechat.md` in one text; a range cites both its ends. */
const cited = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.includes('wechat.md §'))
    .flatMap((line) => [...line.slice(line.indexOf('wechat.md §')).matchAll(/[§–](\d+(?:\.\d+)?)/g)])
    .map((found) => found[1]!);

describe('the facts about WeChat', () => {
  it('have every section that the code cites', () => {
    const known = sections(beforeSources);
    const missing = [...sources('src', 'db', 'test'), ...documents()].flatMap((file) =>
      cited(readText(file))
        .filter((section) => !known.has(section))
        .map((section) => `${file} cites §${section}`),
    );
    expect(missing).toEqual([]);
  });

  it('are cited at all, and by one spelling', () => {
    const texts = [...sources('src', 'db', 'test'), ...documents()].map(readText);
    expect(texts.flatMap(cited).length).toBeGreaterThan(50);
    expect(texts.filter((text) => new RegExp(String.raw`\bfacts(\.${'md'})? §`).test(text))).toEqual([]);
  });

  it('have every code of the outcome table', () => {
    const codes = outcomeTable.map(({ errcode }) => errcode);
    expect(codes.filter((code) => !beforeSources.includes(`\`${code}\``))).toEqual([]);
  });

  it('know their own sources', () => {
    const sourceNumbers = facts.slice(facts.indexOf('\n## Sources')).matchAll(/^(\d+)\. /gm);
    const known = new Set([...sourceNumbers].map((found) => found[1]));
    const used = [...beforeSources.matchAll(/\[(\d+)\]/g)].map((found) => found[1]);
    expect(used.filter((number) => !known.has(number))).toEqual([]);
  });
});
