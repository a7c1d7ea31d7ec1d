import { join } from 'node:path';
import { freePort, startProgram, type LocalService } from '../../src/parts/process.ts';

const serve = new URL('../../src/sandbox/serve.ts', import.meta.url).pathname;

/** A sandbox in a process of its own, which takes whatever payment it is asked for; its log lies in `dir`. */
export async function startSandbox(dir: string, latencyMs: number): Promise<LocalService> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  return startProgram(
    {
      name: 'the sandbox',
      command: process.execPath,
      args: [
        '--max-semi-space-size=64',
        serve,
        JSON.stringify({ port, latencyMs, autoCreatePayments: true }),
      ],
      cwd: dir,
      logFile: join(dir, 'sandbox.log'),
      stopSignal: 'SIGTERM',
      ready: () => fetch(`${url}/_sandbox/stats`).then((answer) => answer.ok),
      readyWithinMs: 10_000,
    },
    url,
  );
}
