import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { eventually } from '../support/eventually.ts';
import { startFahuo, type FahuoProcess } from '../support/fahuo-process.ts';
import { main, nodeFlags } from '../support/node-flags.ts';

/** A `fahuo run` that is there again whenever it was killed, or ended since a service was away. */
export type Place = { current: () => FahuoProcess; kill: () => Promise<void>; close: () => Promise<void> };

const roles = 'relay,consume,upload,adopt';
const patienceMs = 90_000;

export async function startPlace(env: Record<string, string>, ended: () => void): Promise<Place> {
  const start = (): Promise<FahuoProcess> =>
    eventually(() => startFahuo(['run', '--roles', roles], env), patienceMs, 200);
  let current = await start();
  const isRunning = (): boolean => current.child.exitCode === null && current.child.signalCode === null;
  return {
    current: () => current,
    kill: async () => {
      if (!isRunning()) ended();
      await current.kill();
      current = await start();
    },
    close: async () => {
      if (!isRunning()) ended();
      await current.kill();
    },
  };
}

/** `fahuo adopt backfill FILE --execute` on its way. */
export function startBackfill(
  file: string,
  { rate, env }: { rate: number; env: Record<string, string> },
): { ended: Promise<number | null>; kill: () => void; stderr: () => string } {
  const child: ChildProcess = spawn(
    process.execPath,
    [...nodeFlags, '--', main, 'adopt', 'backfill', file, '--execute', '--rate', String(rate), '--json'],
    { cwd: tmpdir(), env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => (stderr = (stderr + String(data)).slice(-4_000)));
  return {
    ended: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
    kill: () => void child.kill('SIGKILL'),
    stderr: () => stderr,
  };
}
