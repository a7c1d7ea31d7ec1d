import { describe, expect, it } from 'vitest';
import { inForm } from '../../../src/upload/record-form.ts';
import { accepted } from '../../support/decided.ts';
import { leasedRowAt } from '../../support/leased-row.ts';

const decided = accepted(leasedRowAt(0)());

describe('a decision that the database refuses', () => {
  it('is written whole at first', () => {
    expect(inForm(decided, 'whole', '')).toBe(decided);
  });

  it('goes to the same state without the texts of others, and says why', () => {
    const bare = inForm(decided, 'bare', 'value too long');
    expect(bare.transition).toEqual({
      to: 'acknowledged',
      detail: 'the database refused the record: value too long',
    });
    expect(bare.attempts[0]).toMatchObject({
      outcome: 'accepted',
      answer: { errcode: 0, errmsg: null, rid: null, bodyText: null, durationMs: 50 },
    });
  });

  it('is parked for a person in the end, with what WeChat answered in words', () => {
    const detail =
      "acknowledged by WeChat's answer 0; the database refused the record: " +
      'x'.repeat(300) +
      '… (400 characters)';
    expect(inForm(decided, 'parked', 'x'.repeat(400))).toMatchObject({
      transition: { to: 'parked', reason: 'unrecorded', detail, retryAfterMs: null },
      attempts: [],
    });
    expect(inForm({ ...decided, attempts: [] }, 'parked', '').transition.detail).toContain(
      "by WeChat's answer without a code",
    );
  });
});
