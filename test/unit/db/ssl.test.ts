import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pgSsl, splitSsl } from '../../../db/ssl.ts';

const base = 'postgres://u:p@h:5432/d';
const sslOf = (parameters: string) => splitSsl(`${base}?${parameters}`);

describe('what a database URL says about TLS', () => {
  it('is taken out of it, and the rest stays as it was', () => {
    expect(splitSsl(base)).toEqual({ url: base, ssl: null, problem: null });
    expect(sslOf('options=-c%20jit%3Doff&sslmode=verify-full&sslrootcert=%2Fa%20b%2Fca+1.pem&x=1?2')).toEqual(
      {
        url: `${base}?options=-c%20jit%3Doff&x=1?2`,
        ssl: { mode: 'verify-full', rootCert: '/a b/ca+1.pem' },
        problem: null,
      },
    );
  });

  it.each([
    ['sslmode=disable', 'disable'],
    ['sslmode=require', 'require'],
    ['sslmode=verify-ca', 'verify-ca'],
    ['sslmode=no-verify', 'no-verify'],
    ['ssl=true', 'verify-full'],
    ['ssl=1', 'verify-full'],
    ['ssl=false', 'disable'],
    ['ssl=0', 'disable'],
    ['ssl=true&sslmode=disable', 'disable'],
    ['sslcert=/c&sslkey=/k', 'verify-full'],
    ['sslrootcert=system', 'verify-full'],
  ])('has one meaning: %s', (parameters, mode) => {
    const { ssl, problem } = sslOf(parameters);
    expect({ mode: ssl?.mode, problem }).toEqual({ mode, problem: null });
  });

  it.each([
    ['sslmode=prefer', 'go on in the clear'],
    ['sslmode=allow', 'go on in the clear'],
    ['sslmode=Require', 'is no mode'],
    ['ssl=maybe', 'must be true or false'],
  ])('is read as the strictest where it is wrong: %s', (parameters, says) => {
    const { ssl, problem } = sslOf(parameters);
    expect(ssl?.mode).toBe('verify-full');
    expect(problem).toContain(says);
  });
});

describe('what pg is given', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'fahuo-')), 'ca.pem');
  const verifies = (mode: 'require' | 'verify-ca' | 'verify-full' | 'no-verify', rootCert?: string) => {
    writeFileSync(file, 'ca');
    const options = pgSsl({ mode, ...(rootCert === undefined ? {} : { rootCert }) });
    if (options === false) return 'nothing';
    const { rejectUnauthorized, checkServerIdentity } = options;
    return `${rejectUnauthorized === true ? 'authority' : 'nobody'}${checkServerIdentity === undefined ? ' and name' : ''}`;
  };

  it('verifies the authority always, and the name unless an authority of our own is all that is asked for', () => {
    expect(verifies('verify-full', file)).toBe('authority and name');
    expect(verifies('verify-full')).toBe('authority and name');
    expect(verifies('verify-ca', file)).toBe('authority');
    expect(verifies('require', file)).toBe('authority');
    expect(verifies('require')).toBe('authority and name');
    expect(verifies('verify-ca')).toBe('authority and name');
    expect(verifies('no-verify')).toMatch(/^nobody/);
    expect(pgSsl({ mode: 'disable' })).toBe(false);
  });

  it('reads a file anew for each connection, and keeps what it had while one is being replaced', () => {
    writeFileSync(file, 'one');
    const options = pgSsl({ mode: 'verify-full', rootCert: file });
    const read = (): unknown => (options === false ? null : { ...options }['ca']);
    expect(read()).toBe('one');
    rmSync(file);
    expect(read()).toBe('one');
    writeFileSync(file, '');
    expect(read()).toBe('one');
    writeFileSync(`${file}.new`, 'two');
    renameSync(`${file}.new`, file);
    expect(read()).toBe('two');
    expect(() => pgSsl({ mode: 'verify-full', rootCert: '/nowhere' })).toThrow('ENOENT');
  });
});
