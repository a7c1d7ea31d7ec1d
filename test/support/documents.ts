import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);

/** A file of the repository as text. */
export const readText = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** Every document: the READMEs, the pages and the decisions. */
export const documents = (): string[] => [
  'README.md',
  'README.zh-CN.md',
  ...['docs', 'docs/adopting', 'docs/adr'].flatMap((folder) =>
    readdirSync(new URL(folder, root))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];

/** Every source file below the folders. */
export const sources = (...folders: string[]): string[] =>
  folders.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|sql)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );

export type Block = { info: string; text: string };

/** The fenced blocks of a document, in their order; `info` is what stands behind the opening fence. */
export const blocksOf = (text: string): Block[] =>
  [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((found) => ({ info: found[1]!, text: found[2]! }));

/** The document without its fenced blocks. */
export const proseOf = (text: string): string => text.replaceAll(/^```.*\n[\s\S]*?^```$/gm, '');

/** As a forge names a heading in an address. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

export const headingsOf = (text: string): { level: number; text: string }[] =>
  [...proseOf(text).matchAll(/^(#+) (.*)$/gm)].map((found) => ({ level: found[1]!.length, text: found[2]! }));
