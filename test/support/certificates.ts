import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates that a test makes by itself: X.509 in DER, signed with ECDSA on P-256. */
export type Issued = { certificate: string; key: string; certFile: string; keyFile: string };

export type Authority = {
  /** PEM file of the authority's own certificate. */
  caFile: string;
  certificate: string;
  issue: (options: {
    name: string;
    /** DNS names and IP addresses; none leaves the extension out. */
    hosts?: readonly string[];
    /** Days from now. */
    validFrom?: number;
    validTo?: number;
    /** Encrypts the key's file; `key` stays clear. */
    passphrase?: string;
  }) => Issued;
};

/** An authority of its own, and what it issues, as PEM files of a fresh folder that every user may read. */
export function createAuthority(name: string): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'fahuo-certificates-'));
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const days = { from: -30, to: 365 };
  const certificate = pem(
    certify(
      { subject: name, issuer: name, publicKey: own.publicKey, days, extensions: [isAuthority()] },
      own.privateKey,
    ),
  );
  const write = (file: string, text: string): string => {
    const path = join(folder, file);
    writeFileSync(path, text, { mode: 0o644 });
    return path;
  };
  return {
    caFile: write('ca.pem', certificate),
    certificate,
    issue: ({ name: subject, hosts = [], validFrom = -30, validTo = 365, passphrase }) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const signed = certify(
        {
          subject,
          issuer: name,
          publicKey,
          days: { from: validFrom, to: validTo },
          extensions: hosts.length === 0 ? [] : [alternativeNames(hosts)],
        },
        own.privateKey,
      );
      const key = exportKey(privateKey);
      const id = randomBytes(4).toString('hex');
      const certFile = write(`${id}.pem`, pem(signed));
      const keyFile = write(`${id}.key`, passphrase === undefined ? key : exportKey(privateKey, passphrase));
      return { certificate: pem(signed), key, certFile, keyFile };
    },
  };
}

const exportKey = (key: KeyObject, passphrase?: string): string =>
  key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;

type Statement = {
  subject: string;
  issuer: string;
  publicKey: KeyObject;
  days: { from: number; to: number };
  extensions: Buffer[];
};

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
const commonName = '2.5.4.3';

function certify({ subject, issuer, publicKey, days, extensions }: Statement, signer: KeyObject): Buffer {
  const algorithm = sequence(oid(ecdsaWithSha256));
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))), // X.509 v3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    algorithm,
    nameOf(issuer),
    sequence(time(days.from), time(days.to)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  );
  return sequence(body, algorithm, bits(sign('sha256', body, signer)));
}

const nameOf = (text: string): Buffer =>
  sequence(tlv(0x31, sequence(oid(commonName), tlv(0x0c, Buffer.from(text)))));

const dayMs = 86_400_000;
/** UTCTime, `days` from now. */
const time = (days: number): Buffer =>
  tlv(
    0x17,
    Buffer.from(
      `${new Date(Date.now() + days * dayMs).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`,
    ),
  );

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value));

const isAuthority = (): Buffer => extension('2.5.29.19', true, sequence(tlv(0x01, Buffer.from([0xff]))));

const alternativeNames = (hosts: readonly string[]): Buffer =>
  extension(
    '2.5.29.17',
    false,
    sequence(
      ...hosts.map((host) =>
        isIP(host) === 4
          ? tlv(0x87, Buffer.from(host.split('.').map(Number)))
          : tlv(0x82, Buffer.from(host, 'latin1')),
      ),
    ),
  );

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), value]);
}

const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts);
const integer = (value: Buffer): Buffer => tlv(0x02, value);
const bits = (value: Buffer): Buffer => tlv(0x03, Buffer.from([0]), value);

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const septets = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return tlv(0x06, Buffer.from(bytes));
}
