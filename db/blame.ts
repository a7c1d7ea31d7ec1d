/** What a write that failed says of the rows in it. */
export type Blame =
  /** The server, the way to it, its schema, a lock: the same again later. */
  | 'server'
  /** Some row of it, or our own code over some row: each for itself, until the culprit stands alone. */
  | 'rows'
  /** A damaged table or index, an internal error: some rows or all. Where the row can be tried again later, as `rows`. */
  | 'damage';

/**
 * Classes of SQLSTATE that are about the session, the server or the schema, and not about a row's content: connection,
 * transaction and login, names and rights (a migration is under way), resources, locks, an operator, the system.
 */
const aboutTheServer = '08 0A 25 26 28 3D 3F 40 42 53 55 57 58'.split(' ');

/** The classes that there are: EPIPE has five capitals, too. */
const sqlState = /^(?:[0-9][0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/;

/** Node's own codes are of wrong arguments and too long strings, but for those of sockets and TLS. */
const ownCode = /^ERR_(?!SSL|TLS|SOCKET|STREAM|CRYPTO)/;

/** What `pg` says without a code when a connection ends, or none is to be had. */
const aboutConnections =
  /connect|terminated|time(?:d )?out|timeout|not queryable|\bpool\b|from backend|SSL|SASL|SCRAM|password/i;

/**
 * The one judgement over errors of the database. What is neither the server's nor a socket's is our own: waiting does not
 * help, and would hold up every other row. "No partition for the row" is a check violation too, but it has no constraint:
 * every row meets it until a person has mended the outbox.
 */
export function blameOf(error: unknown): Blame {
  const { code, constraint, message } = Object(error) as Record<'code' | 'constraint' | 'message', unknown>;
  if (typeof code !== 'string')
    return typeof message === 'string' && aboutConnections.test(message) ? 'server' : 'rows';
  if (!sqlState.test(code)) return ownCode.test(code) ? 'rows' : 'server';
  if (code.startsWith('XX')) return 'damage';
  if (code === '23514' && constraint === undefined) return 'server';
  return aboutTheServer.includes(code.slice(0, 2)) ? 'server' : 'rows';
}
