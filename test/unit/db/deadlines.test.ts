import { describe, expect, it } from 'vitest';
import { commandQueryTimeoutMs, deadlinesOf, serviceQueryTimeoutMs } from '../../../db/client.ts';

describe('the deadlines of a pool', () => {
  it.each([1_000, 6_000, serviceQueryTimeoutMs, commandQueryTimeoutMs])(
    'of %i ms are in an order that ends a wait where it is understood best',
    (queryTimeoutMs) => {
      const { statementMs, lockMs, idleInTransactionMs, answerMs, idleMs } = deadlinesOf(queryTimeoutMs);
      expect(answerMs).toBe(queryTimeoutMs);
      expect(statementMs).toBeLessThan(answerMs); // Postgres says why
      expect(lockMs).toBeLessThan(statementMs);
      expect(idleInTransactionMs).toBeLessThan(answerMs);
      expect(idleMs).toBeLessThan(answerMs); // no loop meets two dead connections one after the other
    },
  );

  it('of a role are 20 s for an answer and half for a lock', () => {
    expect(deadlinesOf(serviceQueryTimeoutMs)).toEqual({
      statementMs: 19_000,
      lockMs: 10_000,
      idleInTransactionMs: 10_000,
      answerMs: 20_000,
      idleMs: 10_000,
    });
  });

  it('of a command leave a lock and a transaction no longer than seconds', () => {
    expect(deadlinesOf(commandQueryTimeoutMs)).toMatchObject({ lockMs: 10_000, idleInTransactionMs: 30_000 });
  });
});
