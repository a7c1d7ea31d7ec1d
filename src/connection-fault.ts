import { FahuoError } from './errors.ts';

/** Why a server that is there cannot be talked to; each is mended by a setting, and no wait mends it. */
export const faults = [
  'unknown_authority',
  'expired',
  'not_yet_valid',
  'misnamed',
  'certificate_wanted',
  'certificate_refused',
  'tls_not_spoken',
  'tls_wanted',
  'tls_disagreed',
  'login_refused',
  'login_wanted',
  'login_not_taken',
  'mechanism_not_taken',
] as const;
export type Fault = (typeof faults)[number];
export type Found = { fault: Fault; detail?: string };

/** What to do about each fault, in the names of one service's settings. */
export type Remedies = Readonly<Record<Fault, string>>;

const says: Record<Fault, (detail: string) => string> = {
  unknown_authority: (by) => `no authority that is trusted here signed its certificate${by}`,
  expired: (when) => `its certificate has expired${when}`,
  not_yet_valid: (when) => `its certificate is not valid yet${when}`,
  misnamed: (names) => `its certificate is for another name${names}`,
  certificate_wanted: () => 'it wants a client certificate, and none is set',
  certificate_refused: (why) => `it refuses our client certificate${why}`,
  tls_not_spoken: () => 'it does not answer in TLS',
  tls_wanted: () => 'it speaks TLS, and we do not',
  tls_disagreed: (why) => `no version or cipher of TLS suits both sides${why}`,
  login_refused: (why) => `it refuses the login${why}`,
  login_wanted: (ways) => `it wants a login, and none is set${ways}`,
  login_not_taken: () => 'it takes no login, and one is set',
  mechanism_not_taken: (ways) => `it does not take the SASL mechanism that is set${ways}`,
};

export const describeFault = ({ fault, detail }: Found): string =>
  says[fault](detail === undefined || detail === '' ? '' : ` (${detail})`);

const isLogin = (fault: Fault): boolean => fault.startsWith('login') || fault.startsWith('mechanism');

/** One line and its remedy. */
export const faultError = (server: string, found: Found, remedies: Remedies, cause?: unknown): FahuoError =>
  new FahuoError(
    isLogin(found.fault) ? 'LOGIN_REFUSED' : 'TLS_FAILED',
    `${server}: ${describeFault(found)}`,
    {
      cause,
      remedy: remedies[found.fault],
    },
  );

/** By Node's code, or by OpenSSL's name of the alert that the server sent; the first that fits. */
const byCode: readonly (readonly [RegExp, Fault])[] = [
  [
    /^(UNABLE_TO_(VERIFY_LEAF|GET_ISSUER)|SELF_SIGNED_CERT|DEPTH_ZERO_SELF|CERT_(SIGNATURE|UNTRUSTED)|INVALID_CA)/,
    'unknown_authority',
  ],
  [/^CERT_HAS_EXPIRED$/, 'expired'],
  [/^CERT_NOT_YET_VALID$/, 'not_yet_valid'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$|ALERT_UNRECOGNIZED_NAME$/, 'misnamed'],
  [/ALERT_CERTIFICATE_REQUIRED$/, 'certificate_wanted'],
  [
    /ALERT_(BAD_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|DECRYPT_ERROR)/,
    'certificate_refused',
  ],
  [
    /ALERT_(HANDSHAKE_FAILURE|PROTOCOL_VERSION|INSUFFICIENT_SECURITY)|UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER/,
    'tls_disagreed',
  ],
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)/, 'tls_not_spoken'],
  [/^(28P01|SASL_AUTHENTICATION_FAILED)$/, 'login_refused'],
  [/^ILLEGAL_SASL_STATE$/, 'login_not_taken'],
  [/^UNSUPPORTED_SASL_MECHANISM$/, 'mechanism_not_taken'],
];

/** Where the error has no code of its own. */
const byMessage: readonly (readonly [RegExp, Fault])[] = [
  [/before secure TLS connection was established|does not support SSL connections/, 'tls_not_spoken'],
  [/^Broker requires TLS|^no pg_hba\.conf entry .*no encryption/, 'tls_wanted'],
  [/valid client certificate/, 'certificate_wanted'],
  [/^certificate authentication failed/, 'certificate_refused'],
  [/mechanism is not supported by the server/, 'mechanism_not_taken'],
  [/^SASL .*authentication failed|^WRONGPASS|^ERR invalid password/, 'login_refused'],
  [/client password must be a string|^(Ready check failed: )?NOAUTH/, 'login_wanted'],
];

type Shape = {
  code?: unknown;
  type?: unknown;
  apiId?: unknown;
  message?: unknown;
  cause?: unknown;
  errors?: unknown;
};

/** Which fault an error of a client library tells, from the inside out: what is nested is nearer to the server. Pure. */
export function faultOf(error: unknown): Found | null {
  if (typeof error !== 'object' || error === null) return null;
  const { cause, errors } = error as Shape;
  const nested = [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  return nested.map(faultOf).find((found) => found !== null) ?? ownFault(error);
}

function ownFault({ code, type, apiId, message }: Shape): Found | null {
  const words = [code, type, apiId].filter((word) => typeof word === 'string');
  const text = typeof message === 'string' ? message : '';
  const fault =
    byCode.find(([shape]) => words.some((word) => shape.test(word)))?.[1] ??
    byMessage.find(([shape]) => shape.test(text))?.[1];
  if (fault === undefined) return null;
  // What OpenSSL says of a certificate is addresses and the names of its own files.
  return fault === 'login_refused' ? { fault, detail: text } : { fault };
}
