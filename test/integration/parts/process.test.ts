import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startProgram } from '../../../src/parts/process.ts';

/** Ends at once in its second start, as Postgres does beside backends that a kill left behind. */
const script = `n=$(($(cat starts) + 1)); echo $n > starts; [ $n = 2 ] && exit 1; touch up; exec sleep 1000`;

it('a service that cannot start right after its kill is started again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fahuo-process-'));
  writeFileSync(join(dir, 'starts'), '0');
  const up = join(dir, 'up');
  const service = await startProgram(
    {
      name: 'test',
      command: 'sh',
      args: ['-c', script],
      cwd: dir,
      logFile: join(dir, 'log'),
      stopSignal: 'SIGTERM',
      ready: () => Promise.resolve(existsSync(up)),
      readyWithinMs: 10_000,
    },
    'none:',
  );
  try {
    await service.kill();
    rmSync(up);
    await service.restart();
    expect(readFileSync(join(dir, 'starts'), 'utf8').trim()).toBe('3');
    process.kill(service.pid(), 0); // throws where it is not alive
  } finally {
    await service.stop();
    rmSync(dir, { recursive: true });
  }
});
