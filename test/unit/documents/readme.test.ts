import { describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { checkEvent } from '../../../src/shipment/contract.ts';
import { blocksOf, headingsOf, proseOf, readText } from '../../support/documents.ts';

const english = readText('README.md');
const chinese = readText('README.zh-CN.md');

/** Names in code spans: settings, commands, folders, functions. */
const spans = (text: string): string[] =>
  [...new Set([...proseOf(text).matchAll(/`([^`]+)`/g)].map((found) => found[1]!))].sort();
const links = (text: string): string[] =>
  [...proseOf(text).matchAll(/\]\(([^)]+)\)/g)]
    .map((found) => found[1]!)
    .filter((to) => !to.includes('README'));

describe('the README', () => {
  it('shows the first run and then the SQL call before it says anything', () => {
    const [run, call] = blocksOf(english);
    expect(english.indexOf('```')).toBeLessThan(60);
    expect(run?.text).toMatch(/^\$ npx fahuo demo/);
    expect(call).toMatchObject({
      info: 'sql',
      text: expect.stringContaining('select fahuo.enqueue(') as unknown,
    });
  });

  it('has a first event that the contract takes', () => {
    const event = /fahuo\.enqueue\('(.*)'\);/s.exec(english)?.[1] ?? '';
    expect(checkEvent(JSON.parse(event), { carriers: bundledCarriers() })).toMatchObject({ kind: 'valid' });
  });

  it('asks for the Node that the package asks for', () => {
    const { engines } = JSON.parse(readText('package.json')) as { engines: { node: string } };
    expect(english).toContain(`Node ${engines.node.replace('>=', '>= ').replace(/\.0$/, '')}`);
  });
});

describe('the README in Chinese', () => {
  it('has the headings of the other, in its order', () => {
    const levels = (text: string): number[] => headingsOf(text).map(({ level }) => level);
    expect(levels(chinese)).toEqual(levels(english));
    expect(headingsOf(chinese).filter(({ text }) => !/\p{sc=Han}/u.test(text))).toEqual([]);
  });

  it('has the same blocks of code', () => {
    expect(blocksOf(chinese)).toEqual(blocksOf(english));
  });

  it('names the same settings, commands and folders', () => {
    expect(spans(chinese)).toEqual(spans(english));
  });

  it('leads to the same pages', () => {
    expect(links(chinese)).toEqual(links(english));
  });
});
