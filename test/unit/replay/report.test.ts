import { describe, expect, it } from 'vitest';
import { reportReplay } from '../../../src/cli/commands/replay.ts';
import { emptyPlan } from '../../../src/replay/plan.ts';

const plan = { ...emptyPlan, events: 3, toSend: 3 };
const planned = { plan, ranges: [{ partition: 0, from: 0, to: 9 }], retryIds: [], unread: [] };
const done = { inserted: 3, duplicate: 0, superseded: 0, dead: 0, retried: 0, unread: [] };
const unread = [{ partition: 0, from: 4, to: 9 }];

describe('what a replay reports', () => {
  it('is incomplete, with the place it came to and exit code 1, when the topic did not give all', () => {
    const dry = reportReplay({ ...planned, unread }, null);
    expect(dry).toMatchObject({ exitCode: 1, json: { dry_run: true, incomplete: unread } });
    expect(dry.lines).toContain('incomplete, partition 0 read to 4 of 9');
    expect(dry.lines.at(-1)).toMatch(/^Nothing was changed\. .*doctor/);
    const half = reportReplay(planned, { ...done, unread });
    expect(half).toMatchObject({ exitCode: 1, json: { dry_run: false, incomplete: unread } });
    expect(half.lines.at(-1)).toMatch(/^In part: 3 to send/);
  });

  it('is done with exit code 0, and 3 when nothing matched', () => {
    expect(reportReplay(planned, done)).toMatchObject({ exitCode: 0, json: { incomplete: [] } });
    expect(reportReplay(planned, done).lines.at(-1)).toMatch(/^Done: 3 to send/);
    expect(reportReplay(planned, null).lines.at(-1)).toMatch(/^Dry run/);
    expect(reportReplay({ ...planned, plan: emptyPlan }, null).exitCode).toBe(3);
  });
});
