import { readFileSync } from 'node:fs';

/** What a database URL says about TLS, in libpq's words; null where it says nothing. */
export type Ssl = {
  mode: SslMode;
  rootCert?: string;
  cert?: string;
  key?: string;
  password?: string;
};
const modes = ['disable', 'no-verify', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof modes)[number];

export type SplitUrl = {
  /** Without what is about TLS. */
  url: string;
  ssl: Ssl | null;
  /** What is wrong with it; the strictest reading holds then. */
  problem: string | null;
};

const names = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'uselibpqcompat'];

/**
 * pg would read these parameters itself: it takes `prefer` and `require` for `verify-full`, warns on stderr, and reads
 * the files where a missing one ends the process. Pure.
 */
export function splitSsl(databaseUrl: string): SplitUrl {
  const [base = '', ...rest] = databaseUrl.split('?');
  const parameters = rest
    .join('?')
    .split('&')
    .filter((one) => one !== '');
  const isOurs = (one: string): boolean => names.includes(one.split('=')[0] ?? '');
  const given = new Map(new URLSearchParams(parameters.filter(isOurs).map(literalPlus).join('&')));
  const others = parameters.filter((one) => !isOurs(one));
  const url = others.length === 0 ? base : `${base}?${others.join('&')}`;
  return { url, ...read((name) => given.get(name) || undefined) };
}

/** In a file's name a plus is a plus. */
const literalPlus = (one: string): string => one.replaceAll('+', '%2B');

function read(get: (name: string) => string | undefined): Omit<SplitUrl, 'url'> {
  const files = {
    rootCert: get('sslrootcert') === 'system' ? undefined : get('sslrootcert'),
    cert: get('sslcert'),
    key: get('sslkey'),
    password: get('sslpassword'),
  };
  const present = Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined));
  const [sslmode, switched] = [get('sslmode'), get('ssl')];
  const word = sslmode ?? (switched === undefined ? undefined : switches[switched]);
  const mode = modes.find((one) => one === word);
  if (mode !== undefined) return { ssl: { mode, ...present }, problem: null };
  if (sslmode === undefined && switched === undefined) {
    const asked = Object.keys(present).length > 0 || get('sslrootcert') !== undefined;
    return { ssl: asked ? { mode: 'verify-full', ...present } : null, problem: null };
  }
  return { ssl: { mode: 'verify-full', ...present }, problem: problemOf(sslmode, switched) };
}

const switches: Record<string, SslMode> = {
  true: 'verify-full',
  1: 'verify-full',
  false: 'disable',
  0: 'disable',
  'no-verify': 'no-verify',
};

function problemOf(sslmode: string | undefined, switched: string | undefined): string {
  const choices = 'say disable, require, verify-ca, verify-full or no-verify';
  if (sslmode === 'prefer' || sslmode === 'allow')
    return `sslmode=${sslmode} would go on in the clear where the server speaks no TLS: ${choices}`;
  return sslmode === undefined
    ? `ssl=${switched} must be true or false`
    : `sslmode=${sslmode} is no mode: ${choices}`;
}

/** What pg hands to `tls.connect`. */
export type PgSsl = false | Readonly<Record<string, unknown>>;

/**
 * The authority is verified unless `no-verify` says otherwise. The name is verified as well, but for `require` and
 * `verify-ca` with an authority of one's own; against the public authorities a name is all that tells servers apart.
 * Files are read anew for each connection, and what was read before holds while one is being replaced.
 * @throws what the file system says when a file is not there at first.
 */
export function pgSsl({ mode, rootCert, cert, key, password }: Ssl): PgSsl {
  if (mode === 'disable') return false;
  const options: Record<string, unknown> = { rejectUnauthorized: mode !== 'no-verify' };
  if (password !== undefined) options['passphrase'] = password;
  if (mode !== 'verify-full' && rootCert !== undefined) options['checkServerIdentity'] = () => undefined;
  addLiveText(options, 'ca', rootCert);
  addLiveText(options, 'cert', cert);
  addLiveText(options, 'key', key);
  return options;
}

function addLiveText(options: object, name: string, path: string | undefined): void {
  if (path === undefined) return;
  let last = readFileSync(path, 'utf8');
  const get = (): string => {
    try {
      return (last = readFileSync(path, 'utf8') || last);
    } catch {
      return last;
    }
  };
  Object.defineProperty(options, name, { enumerable: true, configurable: true, get });
}
