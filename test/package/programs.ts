import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inject } from 'vitest';
import type { NodeVersion } from './setup.ts';

type Options = { cwd?: string; env?: NodeJS.ProcessEnv; input?: string };
export type Ended = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

/** Runs a program to its end. */
export async function runProgram(command: string, args: string[], options: Options = {}): Promise<Ended> {
  const child = spawn(command, args, options);
  const output = collect(child);
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...output() };
}

function collect(child: ChildProcess): () => { stdout: string; stderr: string } {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data: Buffer) => (stdout += String(data)));
  child.stderr?.on('data', (data: Buffer) => (stderr += String(data)));
  return () => ({ stdout, stderr });
}

const ownPath = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));

/** The environment of a shop's server: this Node, and none of the checkout's programs. */
export const shopEnv = (version: NodeVersion, env: Record<string, string> = {}): Record<string, string> => ({
  PATH: [inject('nodes')[version], ...ownPath].join(':'),
  HOME: process.env['HOME'] ?? '',
  ...env,
});

export const installedCommand = (): string => join(inject('shop'), 'node_modules', '.bin', 'fahuo');

/** The installed command, to its end. */
export const fahuo = (
  version: NodeVersion,
  args: string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<Ended> =>
  runProgram(installedCommand(), args, {
    cwd: inject('shop'),
    env: shopEnv(version, options.env),
    ...(options.input === undefined ? {} : { input: options.input }),
  });

export type Started = { line: string; stop: (signal?: NodeJS.Signals) => Promise<Ended> };

/** The installed command, until it is told to stop; resolves with its first line. */
export async function startInstalled(
  version: NodeVersion,
  args: string[],
  env: Record<string, string> = {},
): Promise<Started> {
  const child = spawn(installedCommand(), args, { cwd: inject('shop'), env: shopEnv(version, env) });
  const output = collect(child);
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    ...output(),
  }));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    void ended.then(({ code, stderr }) => reject(new Error(`fahuo ended with ${code}: ${stderr}`)));
  });
  return {
    line,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}
