import { splitSsl } from '../../db/ssl.ts';
import { systemClock } from '../clock.ts';
import type { Remedies } from '../connection-fault.ts';
import { checkTlsFiles, type TlsNames } from '../tls.ts';
import { required, type Config } from './config.ts';
import { databaseSettings } from './settings.ts';

/**
 * The URL of Postgres, the files that it names looked at.
 * @throws FahuoError CONFIG_INVALID
 */
export function databaseUrlOf({ database }: Config): string {
  const databaseUrl = required(database.url, databaseSettings.url);
  const { ssl } = splitSsl(databaseUrl);
  if (ssl === null || ssl.mode === 'disable') return databaseUrl;
  const files = { caFile: ssl.rootCert, certFile: ssl.cert, keyFile: ssl.key, keyPassword: ssl.password };
  checkTlsFiles(files, databaseTlsNames, systemClock());
  return databaseUrl;
}

const databaseTlsNames: TlsNames = {
  caFile: 'sslrootcert of DATABASE_URL',
  certFile: 'sslcert of DATABASE_URL',
  keyFile: 'sslkey of DATABASE_URL',
  keyPassword: 'sslpassword of DATABASE_URL',
};

const login = 'Check user and password in DATABASE_URL; what is no letter or digit is written as %XX there.';
export const databaseRemedies: Remedies = {
  unknown_authority:
    'Let sslrootcert in DATABASE_URL name the PEM file of the authority that signed it; sslmode=no-verify would encrypt without verifying.',
  expired: 'Renew the certificate of Postgres, and look at the clock of this host.',
  not_yet_valid: 'Look at the clock of this host, and at the certificate of Postgres.',
  misnamed:
    'Let DATABASE_URL name the host as the certificate does, or write sslmode=verify-ca with sslrootcert: the authority is verified all the same.',
  certificate_wanted: 'Let sslcert and sslkey in DATABASE_URL name the files of a client certificate.',
  certificate_refused:
    'Let sslcert in DATABASE_URL name a certificate that is valid now, signed by an authority that Postgres trusts, and made for this user.',
  tls_not_spoken: 'Turn ssl on in Postgres, or write sslmode=disable in DATABASE_URL.',
  tls_wanted: 'Write sslmode=verify-full in DATABASE_URL, with sslrootcert for an authority of your own.',
  tls_disagreed: 'Let Postgres speak TLS 1.2 or 1.3 (ssl_min_protocol_version).',
  login_refused: login,
  login_wanted: login,
  login_not_taken: login,
  mechanism_not_taken: login,
};
