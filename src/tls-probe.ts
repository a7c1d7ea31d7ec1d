import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { sleep } from './clock.ts';
import { faultOf, type Found } from './connection-fault.ts';
import type { TlsOptions } from './tls.ts';

export type Address = { host: string; port: number };
/** What a look at a server found; `socket` is open, and the caller's to destroy, when it is a good one. */
export type Probed = { found: Found } | { found: null; socket: Socket | null };

const answersWithinMs = 3_000;
/** With TLS 1.3 a server says what it thinks of our certificate only after we think that all is well. */
const objectsWithinMs = 500;

/**
 * Looks at a server with Node's own TLS: client libraries lose what it said, or the race with its closing. Without
 * `tls` we speak plainly, and only whether the server would rather speak TLS is looked at. Never rejects.
 */
export async function probeTls(address: Address, tls: TlsOptions | undefined): Promise<Probed> {
  const looked = await handshake(address, tls);
  return tls === undefined ? wantsTls(address, looked) : judge(looked, tls, address);
}

async function wantsTls(address: Address, { socket, secure }: Looked): Promise<Probed> {
  socket.destroy();
  return secure ? { found: { fault: 'tls_wanted' } } : openPlain(address);
}

async function judge({ socket, secure, error }: Looked, tls: TlsOptions, address: Address): Promise<Probed> {
  if (secure && !socket.authorized) return refused(socket, tls, address);
  const said = error ?? (await objection(socket));
  if (said === null && secure) return { found: null, socket };
  socket.destroy();
  const found = faultOf(said);
  if (found === null) return { found, socket: null };
  const unasked = found.fault === 'certificate_refused' && tls.cert === undefined;
  return { found: unasked ? { fault: 'certificate_wanted' } : found };
}

type Looked = { socket: TLSSocket; secure: boolean; error: Error | null };

/** What the server shows is judged by us afterwards: a connection that was cut at once has nothing to show. */
function handshake(address: Address, tls: TlsOptions | undefined): Promise<Looked> {
  const { promise, resolve } = Promise.withResolvers<Looked>();
  const servername = isIP(address.host) === 0 ? { servername: address.host } : {};
  const socket = connect({ ...address, ...servername, ...tls, rejectUnauthorized: false });
  socket.setTimeout(answersWithinMs, () => socket.destroy());
  socket.once('secureConnect', () => resolve({ socket, secure: true, error: null }));
  socket.once('error', (error: Error) => resolve({ socket, secure: false, error }));
  socket.once('close', () => resolve({ socket, secure: false, error: null }));
  return promise;
}

async function objection(socket: TLSSocket): Promise<Error | null> {
  if (socket.destroyed) return null;
  const said = new Promise<Error>((resolve) => socket.once('error', resolve));
  return Promise.race([said, sleep(objectsWithinMs).then(() => null)]);
}

function refused(socket: TLSSocket, { servername }: TlsOptions, { host }: Address): Probed {
  const shown = socket.getPeerCertificate();
  socket.destroy();
  const found = faultOf({ code: String(socket.authorizationError) });
  return found === null
    ? { found, socket: null }
    : { found: { ...found, ...detail(found, shown, servername ?? host) } };
}

function detail({ fault }: Found, shown: PeerCertificate, host: string): { detail?: string } {
  if (fault === 'expired') return { detail: `on ${shown.valid_to}` };
  if (fault === 'not_yet_valid') return { detail: `before ${shown.valid_from}` };
  if (fault === 'unknown_authority')
    return { detail: `it is signed by ${oneName(shown.issuer) ?? 'itself'}` };
  if (fault !== 'misnamed') return {};
  return {
    detail: `${shown.subjectaltname ?? oneName(shown.subject) ?? 'it has none'}; we look for ${host}`,
  };
}

/** Of a certificate that has neither, Node leaves the object out. */
function oneName(named: { CN?: string | string[] } | undefined): string | undefined {
  const name = named?.CN;
  return Array.isArray(name) ? name.join(', ') : name;
}

function openPlain(address: Address): Promise<Probed> {
  const { promise, resolve } = Promise.withResolvers<Probed>();
  const socket = connectPlain(address);
  socket.setTimeout(answersWithinMs, () => socket.destroy());
  socket.once('connect', () => resolve({ found: null, socket }));
  socket.once('error', () => resolve({ found: null, socket: null }));
  socket.once('close', () => resolve({ found: null, socket: null }));
  return promise;
}
