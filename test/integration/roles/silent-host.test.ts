import { expect, inject, it } from 'vitest';
import { fallSilent } from '../../support/silence.ts';

it('a Postgres host that falls silent without a reset stops no role, and /livez names the loops that hang', async () => {
  const { named, worksAgainMs, aliveAgainMs } = await fallSilent(
    { databaseUrl: inject('databaseUrl'), kafkaBrokers: inject('kafkaBrokers') },
    { FAHUO_QUERY_TIMEOUT_MS: '6000' },
  );
  expect(named).toContain('upload.sweep');
  expect(named.length).toBeGreaterThanOrEqual(2);
  expect(worksAgainMs).toBeLessThan(60_000);
  expect(aliveAgainMs).toBeLessThan(60_000);
}, 150_000);
