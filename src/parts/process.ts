import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { monotonicMs, sleep } from '../clock.ts';
import { FahuoError } from '../errors.ts';

/** A service that we started: it can be stopped, killed as a crash would, and brought back on its port and data. */
export type LocalService = {
  url: string;
  pid: () => number;
  stop: () => Promise<void>;
  kill: () => Promise<void>;
  restart: () => Promise<void>;
};

export type Identity = { uid: number; gid: number };

export type Program = {
  name: string;
  command: string;
  args: string[];
  cwd: string;
  logFile: string;
  identity?: Identity | undefined;
  stopSignal: NodeJS.Signals;
  ready: () => Promise<boolean>;
  readyWithinMs: number;
};

const run = promisify(execFile);

/** Runs a short program to its end; its stderr is in the error. */
export async function runToEnd(
  command: string,
  args: string[],
  options: { cwd?: string; identity?: Identity | undefined } = {},
): Promise<string> {
  const { stdout, stderr } = await run(command, args, {
    maxBuffer: 16 * 1024 * 1024,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.identity,
  });
  return stdout + stderr;
}

/**
 * A loopback port that is free now. It lies below those that a system gives to connections (32768 on Linux, 49152
 * elsewhere): one of these could take the port of a service that is restarted, or a client that tries to reach the service
 * meanwhile could connect to itself.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < 100; tried++) {
    const port = randomInt(firstPort, lastPort);
    if (await isFree(port)) return port;
  }
  throw new FahuoError('PART_FAILED', `no loopback port of 100 from ${firstPort} to ${lastPort} is free`);
}
const [firstPort, lastPort] = [15_000, 32_000];

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/**
 * The shell starts the program, tells its pid, and ends with it, so its exit is the program's. A watcher in the
 * background reads our pipe: when we are gone, even by kill -9, the pipe closes and the program ends too. The group
 * is its own: Ctrl-C reaches us alone, and we stop the parts in order.
 */
const supervisor = `exec 5<&0
"$@" </dev/null 5<&- & child=$!
{ read -r _ <&5; kill -9 "$child"; } 2>/dev/null & watcher=$!
echo "$child" >&3; exec 3>&-
wait "$child"; kill "$watcher" 2>/dev/null`;

type Running = { pid: number; isAlive: () => boolean; ended: Promise<void> };

async function launch(program: Program): Promise<Running> {
  const log = openSync(program.logFile, 'a');
  const shell = spawn('sh', ['-c', supervisor, 'sh', program.command, ...program.args], {
    cwd: program.cwd,
    detached: true,
    stdio: ['pipe', log, log, 'pipe'],
    ...program.identity,
  });
  closeSync(log);
  let alive = true;
  const ended = new Promise<void>((resolve) =>
    shell.once('exit', () => {
      alive = false;
      shell.stdin?.destroy();
      resolve();
    }),
  );
  const pidPipe = shell.stdio[3] as Readable;
  const pid = await new Promise<number>((resolve, reject) => {
    shell.once('error', reject);
    pidPipe.once('data', (data: Buffer) => resolve(Number(String(data).trim())));
  });
  pidPipe.destroy();
  shell.unref();
  return { pid, isAlive: () => alive, ended };
}

async function untilReady(program: Program, running: Running): Promise<void> {
  const deadline = monotonicMs() + program.readyWithinMs;
  while (!(await program.ready().catch(() => false))) {
    const dead = !running.isAlive();
    if (dead || monotonicMs() > deadline) {
      if (running.isAlive()) process.kill(running.pid, 'SIGKILL');
      throw new FahuoError(
        'PART_FAILED',
        `${program.name} ${dead ? 'ended' : 'was not ready'}: see ${program.logFile}`,
      );
    }
    await sleep(25);
  }
}

/** Starts a program and waits until it answers. */
export async function startProgram(program: Program, url: string): Promise<LocalService> {
  let running = await launch(program);
  await untilReady(program, running);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!running.isAlive()) return;
    process.kill(running.pid, signal);
    const patience = new AbortController();
    await Promise.race([running.ended, sleep(20_000, patience.signal)]);
    patience.abort();
    if (running.isAlive()) process.kill(running.pid, 'SIGKILL');
    await running.ended;
  };
  return {
    url,
    pid: () => running.pid,
    stop: () => end(program.stopSignal),
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end(program.stopSignal);
      // What a kill left behind may hold the folder for a moment: Postgres refuses to start beside backends of its own.
      for (const deadlineMs = monotonicMs() + program.readyWithinMs; ; await sleep(200)) {
        running = await launch(program);
        try {
          return await untilReady(program, running);
        } catch (error) {
          if (running.isAlive() || monotonicMs() > deadlineMs) throw error;
        }
      }
    },
  };
}
