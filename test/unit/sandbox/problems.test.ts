import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { faultRules, membersOfFault } from '../../../src/sandbox/faults.ts';
import { describeIssues, listOf } from '../../../src/sandbox/problems.ts';

const said = (body: unknown): string => {
  const { error } = faultRules.safeParse(body);
  return error === undefined ? '' : describeIssues(body, error, membersOfFault);
};

describe('what is said about a wrong body', () => {
  it('names every kind where the kind is unknown', () => {
    expect(said({ kind: 'explode' })).toBe(
      'kind is "explode": must be one of lost_answer, reset_before, hang, delay, status, garbage, no_errcode, ' +
        'half_json, errcode, long_errmsg, expire_token, shipped_by_hand',
    );
  });

  it.each<[unknown, string]>([
    [{ kind: 'errcode' }, 'errcode is missing: must be a number'],
    [{ kind: 'errcode', errcode: '1' }, 'errcode is "1": must be a number'],
    [{ kind: 'errcode', errcode: 1.5 }, 'errcode is 1.5: must be a whole number'],
    [{ kind: 'garbage', rate: 1.1 }, 'rate is 1.1: must be at most 1'],
    [{ kind: 'garbage', rate: -1 }, 'rate is -1: must be at least 0'],
    [{ kind: 'garbage', committed: 1 }, 'committed is 1: must be true or false'],
    [{ kind: 'garbage', transaction_id: '' }, 'transaction_id is "": must not be empty'],
    [{ kind: 'garbage', endpoint: 'x' }, 'endpoint is "x": must be one of upload, get_order, get_order_list'],
    [{ kind: 'garbage', ms: 5 }, 'ms is not a member that the sandbox knows: there are kind, endpoint,'],
    [7, 'body is 7: must be'],
    [undefined, 'body is not JSON'],
  ])('says of %j: %s', (body, text) => {
    expect(said(body)).toContain(text);
  });

  it('says which of a list is wrong, and everything that is', () => {
    expect(said([{ kind: 'hang' }, { kind: 'delay', rate: 2 }])).toBe(
      '[1].rate is 2: must be at most 1; [1].ms is missing: must be a number',
    );
  });

  it('cuts a long value', () => {
    expect(said({ kind: 'x'.repeat(200) })).toContain(`"${'x'.repeat(76)}…: must be one of`);
  });

  it('says to remove a member where nobody knows the others', () => {
    const shape = listOf(z.strictObject({}));
    const body = [{ more: 1 }];
    expect(describeIssues(body, shape.safeParse(body).error!)).toContain('[0].more');
    expect(describeIssues(body, shape.safeParse(body).error!)).toContain('remove it');
  });
});
