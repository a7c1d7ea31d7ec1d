import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createSandbox } from '../../../src/sandbox/run.ts';
import { wholeEffectsOf } from '../../support/sandbox-client.ts';

const program = fileURLToPath(new URL('../../../docs/examples/Upload.java', import.meta.url));

it('the example in Java uploads, and reads what it uploaded, on a machine whose charset is not UTF-8', async () => {
  const sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  try {
    const { stdout } = await promisify(execFile)('java', ['-Dfile.encoding=UTF-8', program, '42001'], {
      env: { PATH: process.env['PATH'], LC_ALL: 'C', WECHAT_BASE_URL: sandbox.url },
    });
    expect(stdout).toBe('order_state 2, finish_shipping_count 1, SF1234567890123\n');
    const [effect] = await wholeEffectsOf(sandbox.url);
    expect(effect).toMatchObject({ payment: '42001', kind: 'ship' });
    expect(effect?.body).toContain('红富士苹果 5kg*1');
  } finally {
    await sandbox.stop();
  }
});
