import { describe, expect, it } from 'vitest';
import { describeFault, faultError, faultOf, faults, type Remedies } from '../../src/connection-fault.ts';
import { kafkaRemedies } from '../../src/kafka/faults.ts';
import { databaseRemedies } from '../../src/roles/postgres.ts';
import { redisRemedies } from '../../src/roles/redis.ts';

const coded = (code: string, message = ''): Error => Object.assign(new TypeError(message), { code });

describe('an error of a connection', () => {
  it.each([
    [coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'unknown_authority'],
    [coded('SELF_SIGNED_CERT_IN_CHAIN'), 'unknown_authority'],
    [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unknown_authority'],
    [coded('CERT_HAS_EXPIRED'), 'expired'],
    [coded('CERT_NOT_YET_VALID'), 'not_yet_valid'],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'misnamed'],
    [coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'certificate_wanted'],
    [coded('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE'), 'certificate_refused'],
    [coded('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'certificate_refused'],
    [coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'tls_disagreed'],
    [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'tls_not_spoken'],
    [coded('28P01', 'password authentication failed for user "u"'), 'login_refused'],
    [
      coded('28000', 'no pg_hba.conf entry for host "h", user "u", database "d", no encryption'),
      'tls_wanted',
    ],
    [coded('28000', 'connection requires a valid client certificate'), 'certificate_wanted'],
    [new TypeError('The server does not support SSL connections'), 'tls_not_spoken'],
    [new TypeError('Broker requires TLS.'), 'tls_wanted'],
    [new TypeError('WRONGPASS invalid username-password pair'), 'login_refused'],
    [new TypeError('NOAUTH Authentication required.'), 'login_wanted'],
  ])('is known by its code or its words: %s', (error, fault) => {
    expect(faultOf(error)?.fault).toBe(fault);
  });

  it('is looked for in what it wraps, and the inmost one counts', () => {
    const inner = coded('CERT_HAS_EXPIRED');
    expect(faultOf(new TypeError('Connection error', { cause: inner }))?.fault).toBe('expired');
    const many = Object.assign(new TypeError('none'), { errors: [coded('ECONNREFUSED'), { cause: inner }] });
    expect(faultOf(many)?.fault).toBe('expired');
  });

  it.each([
    coded('ECONNREFUSED'),
    coded('ECONNRESET'),
    coded('57P03'),
    new TypeError('timeout'),
    'text',
    null,
  ])('is none of a setting where a wait mends it: %s', (error) => {
    expect(faultOf(error)).toBeNull();
  });
});

describe('the words for it', () => {
  it('are one line and a remedy, with a code of its own for logins', () => {
    const remedies = Object.fromEntries(faults.map((fault) => [fault, `mend ${fault}`])) as Remedies;
    const codes = faults.map((fault) => {
      const error = faultError('Kafka at k:1', { fault, detail: 'so it says' }, remedies);
      expect(error.message).toMatch(/^Kafka at k:1: [^\n]+$/);
      expect(error.remedy).toBe(`mend ${fault}`);
      return error.code;
    });
    expect(codes.filter((code) => code === 'LOGIN_REFUSED')).toHaveLength(4);
    expect(codes.filter((code) => code === 'TLS_FAILED')).toHaveLength(9);
    expect(describeFault({ fault: 'expired' })).toBe('its certificate has expired');
    expect(describeFault({ fault: 'expired', detail: 'on Monday' })).toBe(
      'its certificate has expired (on Monday)',
    );
  });

  it('name settings of the service, and no others', () => {
    for (const remedy of Object.values(kafkaRemedies)) expect(remedy).not.toMatch(/REDIS|DATABASE/);
    for (const remedy of Object.values(databaseRemedies)) expect(remedy).not.toMatch(/KAFKA|REDIS/);
    for (const remedy of Object.values(redisRemedies)) expect(remedy).not.toMatch(/KAFKA|DATABASE/);
  });
});
