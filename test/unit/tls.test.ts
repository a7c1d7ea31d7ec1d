import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readTls, type TlsSettings } from '../../src/tls.ts';
import { createAuthority } from '../support/certificates.ts';

const authority = createAuthority('an authority');
const names = { caFile: 'CA', certFile: 'CERT', keyFile: 'KEY', keyPassword: 'PASSWORD' };
const now = new Date();
const read = (given: Partial<TlsSettings>) => readTls({ verifyHostname: true, ...given }, names, now);

describe('the files for TLS', () => {
  it('are read anew for each connection, and what was read holds while one is being replaced', () => {
    const { certFile, keyFile } = authority.issue({ name: 'one' });
    const other = authority.issue({ name: 'two' });
    const options = read({ certFile, keyFile });
    const first = readFileSync(certFile, 'utf8');
    expect({ ...options }.cert).toBe(first);
    rmSync(certFile);
    expect({ ...options }.cert).toBe(first);
    writeFileSync(certFile, '');
    expect({ ...options }.cert).toBe(first);
    renameSync(other.certFile, certFile);
    expect({ ...options }.cert).toBe(other.certificate);
  });

  it('verify the authority whatever else is set, and the name unless told not to', () => {
    expect(read({})).toEqual({ rejectUnauthorized: true });
    expect(read({ serverName: 'x' })).toEqual({ rejectUnauthorized: true, servername: 'x' });
    const { rejectUnauthorized, checkServerIdentity } = read({ verifyHostname: false });
    expect({ rejectUnauthorized, named: checkServerIdentity?.() }).toEqual({ rejectUnauthorized: true });
  });

  it('say that a keystore of Java is none of ours', () => {
    const caFile = authority.issue({ name: 'x' }).certFile;
    writeFileSync(caFile, Buffer.from([0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]));
    expect(() => read({ caFile })).toThrow(/^CA: \S+ holds no certificate in PEM; a Java keystore .*keytool/);
  });
});
