import { expect, inject, it } from 'vitest';
import { isCleanReconcile, runReconcileCampaign } from '../campaign/reconcile.ts';

it('after one sweep and the second reads the database equals the sandbox: rows removed by hand, the console, refunds, a kill', async () => {
  const services = { databaseUrl: inject('databaseUrl'), kafkaBrokers: inject('kafkaBrokers') };
  const report = await runReconcileCampaign({ payments: 120, seed: 3, services });
  console.log(JSON.stringify(report));
  expect(report).toMatchObject({ different: 0, moneyEqual: true, doubled: 0, reships: 0, problems: [] });
  expect(report.unsent).toBeGreaterThan(0);
  expect(report.offered).toBe(report.unsent);
  expect(isCleanReconcile(report)).toBe(true);
}, 90_000);
