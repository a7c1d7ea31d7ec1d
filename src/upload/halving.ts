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
  if (!isRefusal(error)) return { kind: 'wait' };
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

/**
 * Classes of SQLSTATE that are about the session, the server or the schema, and not about a row's content: connection,
 * transaction and login, names and rights (a migration is under way), resources, locks, an operator, the system.
 */
const aboutTheServer = '08 0A 25 26 28 3D 3F 40 42 53 55 57 58'.split(' ');

/** The classes that there are: EPIPE has five capitals, too. */
const sqlState = /^(?:[0-9][0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/;

/**
 * Whether the database refused content. "No partition for the row" is a check violation too, but it has no constraint:
 * every row meets it until a person has mended the outbox.
 */
export function isRefusal(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  if (typeof code !== 'string' || !sqlState.test(code)) return false;
  if (code === '23514' && constraint === undefined) return false;
  return !aboutTheServer.includes(code.slice(0, 2));
}
