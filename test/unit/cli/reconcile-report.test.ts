import { expect, it } from 'vitest';
import { reportRanged } from '../../../src/cli/commands/reconcile-report.ts';
import type { ContradictedPayment, Ranged } from '../../../src/reconcile/range.ts';

const now = new Date('2026-11-30T12:00:00Z');
const execute = { execute: true, now, apartMs: 600_000 };

const contradicted = (
  transactionId: string,
  more: Partial<ContradictedPayment> = {},
): ContradictedPayment => ({
  ...{ transactionId, amountFen: 14_000, paidAt: new Date('2026-11-30T10:00:00Z') },
  ...{ kind: 'not_held', believed: false, ...more },
});

const ranged = (of: readonly ContradictedPayment[]): Ranged => {
  const found = (kind: ContradictedPayment['kind']): { seen: number; believed: number } => {
    const alike = of.filter((one) => one.kind === kind);
    return { seen: alike.length, believed: alike.filter(({ believed }) => believed).length };
  };
  return {
    ...{
      appid: 'wx',
      listed: of.length,
      unreadable: 0,
      inComplaint: 0,
      unknown: [],
      offered: 0,
      incomplete: null,
    },
    standings: { to_ship: of.length, unknown_here: 0, shipped: 0, confirmed: 0, settled: 0, refunded: 0 },
    findings: { not_held: found('not_held'), lost: found('lost'), console_edit: found('console_edit') },
    contradicted: [...of],
  };
};

it('names each payment of which WeChat says otherwise, what it says, and how many reads have shown it', () => {
  const of = [
    contradicted('a'),
    contradicted('b', { kind: 'lost', believed: true, amountFen: null }),
    contradicted('c', { kind: 'console_edit', paidAt: null }),
  ];
  const text = reportRanged([ranged(of)], execute).lines.join('\n');
  expect(text).toMatch(/\na +140\.00 +2h ago +to ship, acknowledged here +one read *\n/);
  expect(text).toMatch(/\nb +not known +2h ago +to ship, event lost here +two reads *\n/);
  expect(text).toMatch(/\nc +140\.00 +not known +other parcels +one read *\n/);
});

it('names them to programs as well', () => {
  const { json } = reportRanged([ranged([contradicted('a', { believed: true })])], execute);
  expect(json).toMatchObject({
    apps: [
      { contradicted: [{ transaction_id: 'a', amount_fen: 14_000, kind: 'not_held', by_two_reads: true }] },
    ],
  });
});

it('names twenty, and says how many more there are', () => {
  const of = (count: number): ContradictedPayment[] =>
    Array.from({ length: count }, (_, index) => contradicted(`p${index}`));
  const text = (count: number): string => reportRanged([ranged(of(count))], execute).lines.join('\n');
  expect(text(20)).not.toContain('more;');
  expect(text(21)).toContain('… and 1 more; --json has a thousand.');
  expect(text(21)).not.toContain('p20');
});

it('says nothing of contradictions where there are none', () => {
  expect(reportRanged([ranged([])], execute).lines.join('\n')).not.toContain('Other at WeChat');
});
