import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { anchorOf, documents, headingsOf, proseOf, readText } from '../../support/documents.ts';

/** Columns that a line takes: a Chinese character takes two. */
const widthOf = (line: string): number =>
  Array.from(line).reduce(
    (sum, one) => sum + (/[\p{sc=Han}\u3000-\u303f\uff00-\uff60]/u.test(one) ? 2 : 1),
    0,
  );

/** The pages whose tables are made from the code. */
const made = ['docs/settings.md', 'docs/errors.md'];

describe('every document', () => {
  it('ends its lines before column 120', () => {
    const wide = documents()
      .filter((file) => !made.includes(file))
      .flatMap((file) =>
        readText(file)
          .split('\n')
          .flatMap((line, index) => (widthOf(line) < 120 ? [] : [`${file}:${index + 1}`])),
      );
    expect(wide).toEqual([]);
  });

  it('links to what is there', () => {
    const broken = documents().flatMap((file) =>
      [...proseOf(readText(file)).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].flatMap((found) => {
        const [, path, anchor] = found;
        const url = path === '' ? file : new URL(path!, `file:///${file}`).pathname.slice(1);
        if (made.includes(url)) return [];
        if (!existsSync(new URL(`../../../${url}`, import.meta.url))) return [`${file} → ${url}`];
        if (anchor === undefined) return [];
        const anchors = headingsOf(readText(url)).map(({ text }) => anchorOf(text));
        return anchors.includes(anchor) ? [] : [`${file} → ${url}#${anchor}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('names no room that is not there, and the architecture names all of them', async () => {
    const { readdirSync } = await import('node:fs');
    const entries = readdirSync(new URL('../../../src', import.meta.url), { withFileTypes: true });
    const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const architecture = readText('docs/architecture.md');
    expect(rooms.filter((room) => !architecture.includes(`\n  ${room}/`))).toEqual([]);
    expect(rooms.filter((room) => !readText('README.md').includes(`\`src/${room}\``))).toEqual([]);
    const named = documents().flatMap((file) =>
      [...readText(file).matchAll(/`src\/(\w+)[`/]/g)].map((found) => found[1]!),
    );
    expect(named.filter((room) => !rooms.includes(room))).toEqual([]);
  });
});
