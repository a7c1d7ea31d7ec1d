import { defineConfig } from 'vitest/config';

/** The unit tests alone, as Stryker runs them: the tests of documents read files that are no part of a mutant. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: { include: ['test/unit/**/*.test.ts'], exclude: ['test/unit/documents.test.ts'] },
});
