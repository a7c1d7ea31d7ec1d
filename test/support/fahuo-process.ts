import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { waitAtMost } from '../../src/clock.ts';
import { main, nodeEnv, nodeFlags } from './node-flags.ts';

export type FahuoProcess = {
  child: ChildProcess;
  http: string;
  /** Of a sandbox. */
  url: string;
  /** Where it receives pushes, on a port of its own; null elsewhere. */
  push: string | null;
  /** The end of its log. */
  stderr: () => string;
  kill: () => Promise<void>;
  /** SIGTERM, and its exit code. */
  stop: () => Promise<number | null>;
};

/** In a folder without a `.env`, unless a test brings one. */
const spawnFahuo = (args: string[], env: Record<string, string>, cwd = tmpdir()): ChildProcess =>
  spawn(process.execPath, [...nodeFlags, '--', main, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...nodeEnv, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Starts a long-running command and waits for its first line, which names its URL. */
export async function startFahuo(args: string[], env: Record<string, string>): Promise<FahuoProcess> {
  const child = spawnFahuo([...args, '--json'], env);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => (stderr = (stderr + String(data)).slice(-20_000)));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', resolve);
    void exited.then((code) => reject(new Error(`fahuo ended with ${code}: ${stderr}`)));
  });
  const end = (signal: NodeJS.Signals) => async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  const started = JSON.parse(line) as { http: string; url: string; push?: string | null };
  return {
    child,
    stderr: () => stderr,
    http: started.http,
    url: started.url,
    push: started.push ?? null,
    kill: async () => {
      await end('SIGKILL')();
    },
    stop: async () => {
      const ended = end('SIGTERM')();
      await waitAtMost(60_000, ended);
      if (child.exitCode === null && child.signalCode === null)
        throw new Error(`fahuo did not end within 60 s of SIGTERM: ${stderr}`);
      return ended;
    },
  };
}

/** Runs one command to its end. */
export async function runFahuo(args: string[], env: Record<string, string>, cwd?: string) {
  const child = spawnFahuo(args, env, cwd);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data: Buffer) => (stdout += String(data)));
  child.stderr?.on('data', (data: Buffer) => (stderr += String(data)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
