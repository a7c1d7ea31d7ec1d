import { systemClock } from '../clock.ts';
import { readTls, type TlsNames, type TlsOptions } from '../tls.ts';

/** Kafka's settings and those of Redis are named alike. */
type TlsFields = {
  sslCaFile: string | undefined;
  sslCertFile: string | undefined;
  sslKeyFile: string | undefined;
  sslKeyPassword: string | undefined;
  sslServerName: string | undefined;
  sslVerifyHostname: boolean;
};

/** @throws FahuoError CONFIG_INVALID naming the setting whose file is wrong. */
export const tlsOptions = (service: 'KAFKA' | 'REDIS', given: TlsFields): TlsOptions =>
  readTls(
    {
      caFile: given.sslCaFile,
      certFile: given.sslCertFile,
      keyFile: given.sslKeyFile,
      keyPassword: given.sslKeyPassword,
      serverName: given.sslServerName,
      verifyHostname: given.sslVerifyHostname,
    },
    namesOf(service),
    systemClock(),
  );

const namesOf = (service: string): TlsNames => ({
  caFile: `${service}_SSL_CA_FILE`,
  certFile: `${service}_SSL_CERT_FILE`,
  keyFile: `${service}_SSL_KEY_FILE`,
  keyPassword: `${service}_SSL_KEY_PASSWORD`,
});
