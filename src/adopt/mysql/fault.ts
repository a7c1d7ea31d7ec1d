/** What an error of MySQL, of MariaDB or of their driver means for whoever asked. Classified here, and only here. */
export const faultKinds = [
  /** The server is away, or the session is gone. */
  'lost',
  'login_refused',
  'read_only',
  /** Somebody else holds a lock: the same statement may work in an instant. */
  'busy',
  'denied',
  /** Over what stands in the rows, or over how much of it there is. */
  'content',
  /** Over the statement itself, whatever the rows hold. */
  'statement',
] as const;
export type FaultKind = (typeof faultKinds)[number];

type DriverError = { errno?: unknown; sqlState?: unknown; fatal?: unknown; message?: unknown };

const byNumber: Readonly<Record<number, FaultKind>> = {
  1040: 'lost', // too many connections
  1044: 'login_refused',
  1045: 'login_refused',
  1049: 'login_refused', // no such database
  1053: 'lost', // shutdown in progress
  1129: 'lost', // host is blocked
  1130: 'login_refused', // host is not allowed
  1203: 'lost',
  1226: 'lost', // max_user_connections
  1698: 'login_refused',
  1927: 'lost', // connection was killed
  2006: 'lost',
  2013: 'lost',
  3032: 'lost', // server is in offline mode
  3118: 'login_refused', // account is locked
  4031: 'lost', // idle for too long
  4151: 'login_refused',
  1290: 'read_only',
  1836: 'read_only',
  1020: 'busy', // MariaDB 11: changed since last read
  1205: 'busy',
  1213: 'busy',
  1142: 'denied',
  1143: 'denied',
  1227: 'denied',
  1370: 'denied',
  1419: 'denied', // log_bin_trust_function_creators
  1176: 'statement',
  1191: 'statement',
  1221: 'statement',
  1222: 'statement',
  1267: 'statement', // illegal mix of collations
  1270: 'statement',
  1271: 'statement',
  1356: 'statement', // a view names what is not there
  1449: 'statement', // the definer of a view is gone
  1792: 'statement', // it writes
  1104: 'content', // max_join_size
  1153: 'content', // max_allowed_packet
  1301: 'content',
  1690: 'content',
  1969: 'content', // max_statement_time
  3024: 'content', // max_execution_time
};

/** Where no number is known: the class of the SQLSTATE. */
const byState: Readonly<Record<string, FaultKind>> = {
  '08': 'lost',
  '21': 'content',
  '22': 'content',
  '28': 'login_refused',
  '40': 'busy',
  '42': 'statement',
};

export function faultKind(error: unknown): FaultKind {
  const { errno, sqlState, fatal } = shapeOf(error);
  const known = typeof errno === 'number' ? byNumber[errno] : undefined;
  if (known !== undefined) return known;
  if (typeof sqlState !== 'string' || fatal === true) return 'lost';
  return byState[sqlState.slice(0, 2)] ?? 'content';
}

const shapeOf = (error: unknown): DriverError => (typeof error === 'object' && error !== null ? error : {});

/** The session cannot go on, or leads to a server that is not the one to write to any more. */
export const endsSession = (error: unknown): boolean =>
  ['lost', 'login_refused', 'read_only'].includes(faultKind(error));
