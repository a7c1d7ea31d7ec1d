import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { holdReasons } from '../../../src/adopt/decide.ts';
import { answerWords, readAdoptFile, schema } from '../../../src/adopt/file.ts';
import { neededColumns, partColumns } from '../../../src/adopt/part.ts';
import { shopAnswerStates } from '../../../src/adopt/shop.ts';
import { blocksOf, readText } from '../../support/documents.ts';

const page = readText('docs/adopting.md');
const section = (heading: string): string => page.split(`\n## ${heading}\n`)[1]?.split('\n## ', 1)[0] ?? '';
/** Names that bullets begin with: "- `a`, `b`: …". */
const bullets = (heading: string): string[] =>
  [...section(heading).matchAll(/^- ((?:`[^`]+`(?:, )?)+)/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );

type JsonSchema = { properties?: Record<string, JsonSchema>; items?: JsonSchema; type?: string };
/** `watch[].table`, as the page writes it. */
const fieldsOf = ({ properties, items }: JsonSchema, path = ''): string[] => {
  if (items?.properties !== undefined) return fieldsOf(items, `${path}[]`);
  if (properties === undefined) return [path];
  return Object.entries(properties).flatMap(([name, one]) =>
    fieldsOf(one, path === '' ? name : `${path}.${name}`),
  );
};

describe('the page of adopting', () => {
  it('explains every field of the file, and no other', () => {
    const fields = fieldsOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema);
    expect(bullets('Every field of the file').toSorted()).toEqual(fields.toSorted());
  });

  it('explains every column of the parts query, and which are needed', () => {
    const heading = 'The columns of the parts query';
    expect(bullets(heading).toSorted()).toEqual([...partColumns].toSorted());
    const needed = [...section(heading).matchAll(/^- `(\w+)` \(\*\*needed\*\*\)/gm)].map(
      ([, name = '']) => name,
    );
    expect(needed.toSorted()).toEqual(neededColumns.toSorted());
  });

  it('explains why a payment is held', () => {
    expect(bullets('What is held, and corrections').toSorted()).toEqual(
      [...holdReasons, 'no_payment'].toSorted(),
    );
  });

  it('explains the states of an answer, and what a column may be told', () => {
    expect(bullets('Answers').toSorted()).toEqual([...shopAnswerStates].toSorted());
    expect(answerWords.filter((word) => !section('Answers').includes(`\`${word}\``))).toEqual([]);
  });

  it('leads to the page of every shop', () => {
    const names = readdirSync(new URL('../../../docs/adopting', import.meta.url));
    expect(names.filter((name) => !page.includes(`](adopting/${name})`))).toEqual([]);
  });

  it('shows files that can be read', () => {
    const [example = '', answers = ''] = blocksOf(page)
      .filter(({ info }) => info.startsWith('yaml'))
      .map(({ text }) => text);
    expect(readAdoptFile(example)).toMatchObject({ kind: 'file' });
    expect(readAdoptFile(example + answers)).toMatchObject({ kind: 'file' });
  });
});
