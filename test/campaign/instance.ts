import { execFile, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { main, nodeFlags } from '../support/node-flags.ts';

/** A `fahuo run` that may end by itself at any time. */
export type Instance = {
  /** Resolves when it says that it has started. */
  ready: Promise<void>;
  /** The signal that ended it; null when it ended by an exit code. */
  ended: Promise<NodeJS.Signals | null>;
  kill: () => Promise<void>;
  stderr: () => string;
};

const preload = new URL('./preload.ts', import.meta.url).pathname;
const patch = new URL('./relay-patch.ts', import.meta.url).pathname;

/** Compiled code for the next start: a process that is killed leaves none behind, and starts are what a campaign is made of. */
const compiled = { NODE_COMPILE_CACHE: join(tmpdir(), 'fahuo-campaign-code') };

/** Fills the cache by a process that ends by itself. */
export async function warmUp(): Promise<void> {
  await promisify(execFile)(process.execPath, ['--import', preload, main, '--help'], {
    env: { ...process.env, ...compiled },
  });
}

export function startInstance(env: Record<string, string>, roles: string): Instance {
  // First, so that nothing of the product is loaded before it.
  const patched = env['RELAY_TEST_PATCH'] === undefined ? [] : ['--import', patch];
  const flags = [...nodeFlags, ...patched, '--import', preload];
  const child = spawn(process.execPath, [...flags, main, 'run', '--roles', roles], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', ...compiled, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr = (stderr + String(data)).slice(-20_000)));
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_code, signal) => resolve(signal)),
  );
  return {
    ready: new Promise((resolve) => child.stdout.once('data', () => resolve())),
    ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    stderr: () => stderr,
  };
}
