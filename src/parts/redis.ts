import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { FahuoError } from '../errors.ts';
import { freePort, runToEnd, startProgram, type LocalService } from './process.ts';

const pong = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const done = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.once('data', (data) => done(String(data).startsWith('+PONG')));
    socket.once('error', () => done(false));
  });

/** A Redis of its own on a free loopback port, without persistence. */
export async function startRedis(dir: string): Promise<LocalService> {
  await runToEnd('redis-server', ['--version']).catch((cause: unknown) => {
    throw new FahuoError('PART_MISSING', 'redis-server is not on the PATH', {
      cause,
      remedy: 'Run `apt-get install redis-server` (macOS: `brew install redis`), or set REDIS_URL.',
    });
  });
  const home = await mkdtemp(join(dir, 'redis-'));
  const port = await freePort();
  return startProgram(
    {
      name: 'Redis',
      command: 'redis-server',
      args: [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
        '--dir',
        home,
      ],
      cwd: home,
      logFile: join(dir, 'redis.log'),
      stopSignal: 'SIGTERM',
      ready: () => pong(port),
      readyWithinMs: 20_000,
    },
    `redis://127.0.0.1:${port}`,
  );
}
