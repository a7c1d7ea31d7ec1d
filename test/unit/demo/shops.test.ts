import { describe, expect, it } from 'vitest';
import { actionsOf, adoptFileOf, shopNames, tablesOf } from '../../../src/demo/sample-shop.ts';
import { countAnswers, renderOrders, withSkipped } from '../../../src/demo/shop-report.ts';
import { loadAdoptFile } from '../../../src/roles/adopt.ts';
import { sampleShops } from '../../../src/demo/sample-shop.ts';
import { blocksOf, readText } from '../../support/documents.ts';

describe.each(shopNames)('the demo of %s', (shop) => {
  it('adopts with the file that the page of this shop shows', () => {
    const page = blocksOf(readText(`docs/adopting/${shop}.md`)).find(({ info }) => info === 'yaml');
    expect(readText(`src/demo/shops/${shop}.yaml`).trim()).toBe(page?.text.trim());
    expect(loadAdoptFile(adoptFileOf(shop)).dialect).toBe(sampleShops[shop].server);
  });

  it('has the tables that the tests of this shop have', () => {
    const tables = (text: string): string[] => text.match(/^CREATE TABLE [^;]*;/gm) ?? [];
    const wanted = tables(readText(`test/support/shops/${shop}.sql`));
    expect(tables(readText(`src/demo/shops/${shop}.sql`))).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(5);
    expect(tablesOf(shop).filter((text) => text.startsWith('CREATE TABLE'))).toHaveLength(wanted.length);
  });

  it('ships with statements alone, the changed waybill last', () => {
    const { first, later } = actionsOf(shop);
    expect([first.length, later.length]).toEqual([18, 1]);
    for (const { statements } of [...first, ...later])
      for (const statement of statements)
        expect(statement).toMatch(/^(BEGIN|START TRANSACTION|COMMIT|UPDATE|INSERT)\b/);
  });
});

describe('the table of orders', () => {
  const rows = [
    { order: '1', goods: '红富士苹果', answer: 'held', why: 'a sentence with a remedy' },
    { order: '2', goods: 'cup', answer: null, why: null },
    { order: '3', goods: '', answer: null, why: null },
  ];

  it('says of an order without an answer why it was skipped, and counts each answer', () => {
    const shown = withSkipped(rows, new Map([['2', 'paid by wallet']]));
    expect(countAnswers(shown)).toEqual({ held: 1, skipped: 1, '-': 1 });
    expect(renderOrders(shown).split('\n')).toEqual([
      'order  goods       answer   why',
      '1      红富士苹果  held     see below',
      '2      cup         skipped  paid by wallet',
      '3                  -',
    ]);
  });
});
