import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { defineConfig } from 'vitest/config';

// One folder for all that a run puts into temp folders, gone with the run; the services' own users write there as well.
// This file is loaded once a project.
if (!basename(tmpdir()).startsWith('fahuo-test-')) {
  const scratch = mkdtempSync(join(tmpdir(), 'fahuo-test-'));
  chmodSync(scratch, 0o1777);
  process.env['TMPDIR'] = scratch;
  process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
}

const root = new URL('..', import.meta.url).pathname;
const services = { globalSetup: ['test/support/global-setup.ts'], testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  root,
  test: {
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    projects: [
      {
        root,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/architecture.test.ts'],
          testTimeout: 30_000, // a busy machine is no failure
        },
      },
      {
        root,
        test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...services, maxWorkers: 2 },
      },
      {
        root,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          ...services,
          testTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        root,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          ...services,
          globalSetup: [...services.globalSetup, 'test/package/setup.ts'],
          testTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
