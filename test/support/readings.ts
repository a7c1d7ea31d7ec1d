import type { Verdict } from '../../src/upload/content.ts';
import type { Reading } from '../../src/upload/reading.ts';
import { defaultTiming } from '../../src/upload/timing.ts';
import { leasedRowAt } from './leased-row.ts';

/** What the decisions about reads are asked with: a moment, a row of that moment, and what a read may have told. */
export const nowMs = Date.parse('2026-11-23T10:00:00Z');
export const dayMs = 86_400_000;
export const context = { nowMs, random: () => 0, timing: defaultTiming };
export const row = leasedRowAt(nowMs);
export const read = (verdict: Verdict): Reading => ({ kind: 'verdict', verdict, shipped: true });
export const open = read({ kind: 'open' });
export const absent: Reading = { kind: 'absent' };
export const failed: Reading = { kind: 'failed', reason: 'timeout', blameless: false };
export const notSent: Reading = { kind: 'failed', reason: 'connect', blameless: true };
export const kinds = ['shipped', 'corrected'] as const;

/** One line a decision: where it goes, and why it is parked. */
export const lineOf = (decided: { to: string; reason?: string }): string =>
  [decided.to, decided.reason].filter(Boolean).join(' ');
