import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../src/metrics.ts';
import { readText } from '../../support/documents.ts';

const rules = readText('docs/alerts.yml');
const alerts = rules.split(/^ {6}- alert: /m).slice(1);

describe('the rules for Prometheus', () => {
  it('name no metric that fahuo does not have', async () => {
    const known = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
    const named = [...new Set(rules.match(/fahuo_[a-z_]+/g))];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('have an expression, a wait, a severity and a summary each', () => {
    const complete = /expr:[\s\S]*for: \d+[smh][\s\S]*severity: (page|ticket)[\s\S]*summary:/;
    expect(alerts.length).toBeGreaterThan(10);
    expect(alerts.filter((alert) => !complete.test(alert))).toEqual([]);
  });

  it('take a gauge of the database once, not once an instance', async () => {
    const gauges = (await createMetrics().registry.getMetricsAsJSON())
      .filter(({ type }) => String(type) === 'gauge')
      .map(({ name }) => name);
    const expressions = alerts.map((alert) => /expr:([\s\S]*?)for:/.exec(alert)?.[1] ?? '');
    const uses = expressions.flatMap((text) => [
      ...text.matchAll(/(\w+(?: by \([a-z, ]+\))? ?)\((fahuo_\w+)/g),
    ]);
    const wrong = uses.filter(([, by, name]) => gauges.includes(name!) && !by!.startsWith('max'));
    expect(wrong.map(([text]) => text)).toEqual([]);
  });

  it('are each explained', () => {
    const operations = readText('docs/operations.md');
    const section = operations.slice(
      operations.indexOf('## Alerts'),
      operations.indexOf('## Parked uploads'),
    );
    const named = [...new Set(rules.match(/fahuo_[a-z_]+/g))];
    expect(named.filter((name) => !section.includes(name) && name !== 'fahuo_consumer_lag_messages')).toEqual(
      [],
    );
  });
});
