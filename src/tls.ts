import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FahuoError, messageOf } from './errors.ts';

/**
 * What a client needs for TLS, as `tls.connect` of Node takes it. The files are read anew whenever a library copies
 * this for a connection: a certificate that was renewed counts from the next connection on.
 */
export type TlsOptions = {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** The name that the certificate must have, and that the server is told; the host's own without it. */
  readonly servername?: string;
  readonly checkServerIdentity?: () => undefined;
  /** Said, since NODE_TLS_REJECT_UNAUTHORIZED=0 would change the default behind our back. */
  readonly rejectUnauthorized: true;
};

export type TlsSettings = {
  caFile?: string | undefined;
  certFile?: string | undefined;
  keyFile?: string | undefined;
  keyPassword?: string | undefined;
  serverName?: string | undefined;
  verifyHostname: boolean;
};

/** What an operator calls them. */
export type TlsNames = { caFile: string; certFile: string; keyFile: string; keyPassword: string };

/** @throws FahuoError CONFIG_INVALID naming the setting whose file is missing, is no PEM, is past or does not fit. */
export function readTls(given: TlsSettings, names: TlsNames, now: Date): TlsOptions {
  checkTlsFiles(given, names, now);
  const { caFile, certFile, keyFile, keyPassword, serverName, verifyHostname } = given;
  const options = {
    rejectUnauthorized: true as const,
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  };
  addLiveText(options, 'ca', caFile);
  addLiveText(options, 'cert', certFile);
  addLiveText(options, 'key', keyFile);
  return options;
}

/** A file that is being replaced must not end the process: what was read before holds until it is back. */
function addLiveText(options: object, name: keyof TlsOptions, path: string | undefined): void {
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

/** What the files hold is looked at here, where their names are known: the libraries would say `PEM_read_bio`. */
export function checkTlsFiles(given: Omit<TlsSettings, 'verifyHostname'>, names: TlsNames, now: Date): void {
  const { caFile, certFile, keyFile, keyPassword } = given;
  if (caFile !== undefined) certificateIn(names.caFile, caFile);
  if (certFile === undefined && keyFile === undefined) return;
  if (certFile === undefined) throw invalid(`${names.keyFile} is set, and ${names.certFile} is not`);
  if (keyFile === undefined) throw invalid(`${names.certFile} is set, and ${names.keyFile} is not`);
  const certificate = certificateIn(names.certFile, certFile);
  if (new Date(certificate.validTo) < now)
    throw invalid(`${names.certFile}: the certificate in ${certFile} expired on ${certificate.validTo}`);
  const key = keyIn(names, { keyFile, keyPassword });
  if (!certificate.checkPrivateKey(key))
    throw invalid(`${names.keyFile}: the key in ${keyFile} is not that of ${names.certFile}`);
}

function keyIn(
  names: TlsNames,
  { keyFile, keyPassword }: { keyFile: string; keyPassword: string | undefined },
): ReturnType<typeof createPrivateKey> {
  const key = contentOf(names.keyFile, keyFile);
  try {
    return createPrivateKey({ key, ...(keyPassword === undefined ? {} : { passphrase: keyPassword }) });
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === 'ERR_MISSING_PASSPHRASE' || (key.includes('ENCRYPTED') && keyPassword === undefined))
      throw invalid(
        `${names.keyFile}: the key in ${keyFile} is encrypted, and ${names.keyPassword} is not set`,
        cause,
      );
    if (key.includes('ENCRYPTED'))
      throw invalid(`${names.keyPassword} does not open the key in ${keyFile}`, cause);
    throw invalid(`${names.keyFile}: ${keyFile} holds no private key in PEM${lookOf(key)}`, cause);
  }
}

function certificateIn(name: string, path: string): X509Certificate {
  const text = contentOf(name, path);
  try {
    if (!text.includes('-----BEGIN')) throw new TypeError('no PEM');
    return new X509Certificate(text);
  } catch (cause) {
    throw invalid(`${name}: ${path} holds no certificate in PEM${lookOf(text)}`, cause);
  }
}

/** Kafka's own clients take what Node does not. Latin-1 keeps every byte. */
function lookOf(text: string): string {
  if (
    text.startsWith('\u00fe\u00ed\u00fe\u00ed') ||
    (text.startsWith('\u0030\u0082') && !text.includes('-----BEGIN'))
  )
    return '; a Java keystore is turned into one by `keytool -list -rfc -keystore FILE`';
  return '';
}

function contentOf(name: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (cause) {
    throw invalid(`${name} cannot be read: ${messageOf(cause)}`, cause);
  }
  if (text.trim() === '') throw invalid(`${name}: ${path} is empty`);
  return text;
}

const invalid = (message: string, cause?: unknown): FahuoError =>
  new FahuoError('CONFIG_INVALID', message, { cause });
