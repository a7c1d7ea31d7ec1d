import { describe, expect, it } from 'vitest';
import { reportPlan, reportReplay } from '../../../src/cli/commands/replay-report.ts';
import { emptyPlan } from '../../../src/replay/plan.ts';
import type { ReplayRow } from '../../../src/replay/replay-store.ts';

const plan = { ...emptyPlan, events: 3, toSend: 3 };
const ranges = [{ partition: 0, from: 0, to: 9, source: 'topic' as const }];
const planned = { plan, ranges, retryIds: [], unread: [] };
const unread = [{ partition: 0, from: 4, to: 9 }];
const row = (change: Partial<ReplayRow>): ReplayRow => ({
  id: 7,
  selection: '--earliest',
  topic: 't',
  ranges,
  retryIds: [],
  state: 'done',
  rate: null,
  ...{ inserted: 3, duplicate: 0, superseded: 0, dead: 0, retried: 0 },
  unread: [],
  startedBy: 'li@shop',
  startedAt: new Date(0),
  finishedAt: null,
  leased: false,
  ...change,
});

describe('what a replay reports', () => {
  it('is incomplete, with the place it came to and exit code 1, when the topic did not give all', () => {
    const dry = reportPlan({ ...planned, unread });
    expect(dry).toMatchObject({ exitCode: 1, json: { dry_run: true, incomplete: unread } });
    expect(dry.lines).toContain('incomplete, partition 0 read to 4 of 9');
    expect(dry.lines.at(-1)).toMatch(/^Nothing was changed\. .*doctor/);
    const half = reportReplay(row({ state: 'incomplete', unread }));
    expect(half).toMatchObject({ exitCode: 1, json: { dry_run: false, incomplete: unread } });
    expect(half.lines.at(-1)).toMatch(/^In part, replay 7: 3 to send.*fahuo replay resume 7/);
  });

  it('is done with exit code 0, and 3 when nothing matched', () => {
    expect(reportReplay(row({}))).toMatchObject({ exitCode: 0, json: { incomplete: [] } });
    expect(reportReplay(row({})).lines.at(-1)).toMatch(/^Done, replay 7: 3 to send/);
    expect(reportPlan(planned).lines.at(-1)).toMatch(/^Dry run/);
    expect(reportPlan({ ...planned, plan: emptyPlan }).exitCode).toBe(3);
  });

  it('says how to go on where it was stopped, and what the outbox gives', () => {
    expect(reportReplay(row({ state: 'paused' })).lines.at(-1)).toMatch(/^Paused, .*`fahuo replay resume 7`/);
    expect(reportReplay(row({ state: 'running' })).lines.at(-1)).toMatch(/^Left alone, .*resume 7/);
    expect(reportReplay(row({ state: 'running', leased: true })).lines.at(-1)).not.toMatch(/resume/);
    expect(reportReplay(row({ state: 'cancelled' }))).toMatchObject({ exitCode: 1 });
    const old = [{ ...ranges[0]!, source: 'outbox' as const }];
    expect(reportPlan({ ...planned, ranges: old }).lines).toContain(
      'partition 0, 0 to 9: from the outbox, the topic holds them no longer',
    );
  });
});
