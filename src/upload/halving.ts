import { blameOf } from '../../db/blame.ts';

/** How much of a decision is written: with all its texts, with its codes alone, or as a row parked for a person. */
export type Form = 'whole' | 'bare' | 'parked';

/** What to do with a batch that was not written. */
export type NextTry =
  /** The database is away, or the whole statement is at fault: the same batch again, after a wait. */
  | { kind: 'wait' }
  /** Some row of it is at fault: the two halves, each for itself. */
  | { kind: 'halve'; at: number }
  /** The row stands alone: in this form. */
  | { kind: 'reduce'; to: Form }
  /** Not even parked: out of the way of all others, and tried again later. */
  | { kind: 'set_aside' };

/**
 * One row that the database refuses must not hold up the others (P7), and an answer that WeChat gave is never given
 * up (P6): the batch is halved until the row stands alone, and then as much of it is written as goes in.
 */
export function afterFailure(size: number, form: Form, error: unknown): NextTry {
  if (blameOf(error) === 'server') return { kind: 'wait' };
  if (size > 1) return { kind: 'halve', at: Math.ceil(size / 2) };
  switch (form) {
    case 'whole':
      return { kind: 'reduce', to: 'bare' };
    case 'bare':
      return { kind: 'reduce', to: 'parked' };
    case 'parked':
      return { kind: 'set_aside' };
  }
}
