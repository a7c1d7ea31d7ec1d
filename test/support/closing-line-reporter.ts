import type { Reporter, TestModule } from 'vitest/node';

/** Ends the run with one plain line, and fails it when a test was skipped or none ran. */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state]++;
      if (module.children.size === 0) counts.failed++;
    }
    const skipped = counts.skipped + counts.pending;
    if (skipped > 0 || counts.passed + counts.failed === 0) process.exitCode = 1;
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${skipped} skipped\n`);
  }
}
