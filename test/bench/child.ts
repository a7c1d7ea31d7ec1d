import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { nodeFlags } from '../support/node-flags.ts';
import { ownCpuMsOf } from './cpu.ts';

/** What a process has used, from /proc: Linux only. */
export type Usage = { cpuUs: number; rssMb: number; peakMb: number };

export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1_024;
  return {
    cpuUs: ownCpuMsOf(pid) * 1_000,
    rssMb: megabytes('VmRSS'),
    peakMb: megabytes('VmHWM'),
  };
}

/** A helper of the bench in a process of its own: one request, one answer, over IPC. */
export type Helper = {
  pid: number;
  ask: <T>(request: unknown) => Promise<T>;
  stop: () => Promise<void>;
};

export async function startHelper(file: string, options: unknown, execArgv: string[] = []): Promise<Helper> {
  const child: ChildProcess = fork(new URL(file, import.meta.url), [JSON.stringify(options)], {
    execArgv: [...nodeFlags, ...execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const answer = <T>(): Promise<T> =>
    Promise.race([
      new Promise<T>((resolve) => child.once('message', (message) => resolve(message as T))),
      exited.then(() => Promise.reject(new Error(`${file} ended`))),
    ]);
  await answer();
  return {
    pid: child.pid ?? 0,
    ask: (request) => {
      const answered = answer<never>();
      child.send(request as object);
      return answered;
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The other side: says that it is ready, then answers one request after the other. */
export function answerRequests(answer: (request: unknown) => Promise<unknown>): void {
  process.on('message', (request) => {
    void answer(request).then((result) => process.send?.(result ?? null));
  });
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  process.send?.('ready');
}
