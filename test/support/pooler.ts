import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/parts/process.ts';
import { connectAlone } from '../../db/client.ts';
import { eventually } from './eventually.ts';

export type Pooler = { url: string; close: () => Promise<void> };

const readyForQuery = 'Z'.charCodeAt(0);
const idle = 'I'.charCodeAt(0);

/**
 * The least that pools: a client keeps a session of Postgres until its transaction ends, and the session then goes to
 * whoever speaks next. `latest` gives out the session that was given back last, `oldest` the one that waits longest.
 */
export async function createMovingPooler(server: string, order: 'latest' | 'oldest'): Promise<Pooler> {
  const target = new URL(server);
  const sessions: Session[] = [];
  const sockets = new Set<Socket>();
  const take = (): Session | undefined => (order === 'latest' ? sessions.pop() : sessions.shift());
  const listener = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    let current: Session | undefined;
    const lend = (session: Session): Session => {
      session.onIdle = () => {
        current = undefined;
        sessions.push(session);
      };
      session.onData = (data) => void client.write(data);
      return session;
    };
    let started = false;
    client.on('data', (data) => {
      if (data[0] === 'X'.charCodeAt(0)) return void client.end();
      if (!started) {
        started = true;
        current = lend(openSession(Number(target.port), target.hostname, sockets));
      }
      current ??= lend(take() ?? openSession(Number(target.port), target.hostname, sockets));
      current.socket.write(data);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const url = Object.assign(new URL(server), { port: String((listener.address() as AddressInfo).port) });
  return {
    url: url.toString(),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

type Session = { socket: Socket; onData: (data: Buffer) => void; onIdle: () => void };

function openSession(port: number, host: string, sockets: Set<Socket>): Session {
  const socket = connect(port, host);
  const session: Session = { socket, onData: () => undefined, onIdle: () => undefined };
  sockets.add(socket);
  socket.on('error', () => undefined);
  // Answers to one small query end with ReadyForQuery, six bytes, the last of which says whether a transaction is open.
  socket.on('data', (data: Buffer) => {
    session.onData(data);
    if (data.at(-6) === readyForQuery && data.at(-1) === idle) session.onIdle();
  });
  return session;
}

export const hasPgBouncer = (): boolean => {
  try {
    execFileSync('pgbouncer', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** PgBouncer in transaction mode, before the server of `url`. It does not run as root. */
export async function startPgBouncer(url: string): Promise<Pooler> {
  const { hostname, port, username, pathname } = new URL(url);
  const folder = await mkdtemp(join(tmpdir(), 'fahuo-pgbouncer-'));
  await chmod(folder, 0o755);
  const listenPort = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(
    file,
    [
      '[databases]',
      `* = host=${hostname} port=${port} user=${username}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${listenPort}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      'ignore_startup_parameters = options, statement_timeout, lock_timeout, idle_in_transaction_session_timeout',
    ].join('\n'),
  );
  const child = spawn('pgbouncer', [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), file], {
    stdio: 'ignore',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const pooled = Object.assign(new URL(url), { port: String(listenPort), pathname }).toString();
  await eventually(async () => (await connectAlone(pooled, 'test')).end(), 10_000);
  return {
    url: pooled,
    close: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
