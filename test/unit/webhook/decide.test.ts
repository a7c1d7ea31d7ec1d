import { describe, expect, it } from 'vitest';
import {
  decideFailure,
  defaultProbe,
  readRetryAfter,
  readStatus,
  rowWaitMs,
  type Endpoint,
  type Failed,
  type Tried,
} from '../../../src/webhook/decide.ts';

const dayMs = 86_400_000;
const options = { giveUpMs: 3 * dayMs, random: () => 0, probe: defaultProbe };
const well: Endpoint = { failingMs: null, failures: 0, suspects: [], superseded: false };
const failing = (failingMs: number, failures = 0, suspects = ['a', 'b']): Endpoint => ({
  failingMs,
  failures,
  suspects,
  superseded: false,
});
const refused: Failed = { kind: 'refused', detail: 'answered 500' };
const unanswered: Failed = { kind: 'unanswered', detail: 'no answer' };
const unreachable: Failed = { kind: 'unreachable', detail: 'ECONNREFUSED' };
const throttled = (retryAfterMs: number | null): Failed => ({
  kind: 'throttled',
  retryAfterMs,
  detail: 'answered 429',
});
const tried: Tried = { suspect: 'c', attempts: 0, probe: false };
const probe: Tried = { ...tried, probe: true };
const decide = (failed: Failed, of: Tried, endpoint: Endpoint) =>
  decideFailure(failed, of, endpoint, options);

describe('a row that is refused for what it is', () => {
  it('waits 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, then a day each time', () => {
    const waits = [0, 1, 2, 3, 4, 5, 6, 7, 100].map((attempts) => rowWaitMs(attempts, () => 0) / 1_000);
    expect(waits).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 86_400, 86_400, 86_400]);
    expect(rowWaitMs(0, () => 1)).toBe(6_000);
  });

  it.each([refused, unanswered])(
    'counts its own tries, and casts no more than a suspicion: $kind',
    (failed) => {
      expect(decide(failed, { ...tried, attempts: 1 }, { ...well, suspects: ['a'] })).toEqual({
        row: { afterMs: 300_000, counts: true },
        endpoint: { to: 'suspected', suspects: ['a', 'c'] },
      });
    },
  );

  it('is one suspect however often it fails', () => {
    const twice = decide(refused, tried, { ...well, suspects: ['c', 'a'] });
    expect(twice.endpoint).toEqual({ to: 'suspected', suspects: ['a', 'c'] });
  });
});

describe('an address', () => {
  it('fails as a whole from the third payment that fails with none taken between', () => {
    expect(decide(refused, tried, { ...well, suspects: ['a', 'b'] })).toEqual({
      row: { afterMs: 1_000, counts: false },
      endpoint: { to: 'failing', failures: 0, afterMs: 1_000, suspects: ['a', 'b', 'c'] },
    });
  });

  it('fails as a whole at once where nothing was sent', () => {
    expect(decide(unreachable, tried, well)).toMatchObject({
      row: { counts: false },
      endpoint: { to: 'failing', failures: 0, afterMs: 1_000 },
    });
  });

  it('is asked again after twice as long each time, a minute at most', () => {
    const waits = [0, 1, 4, 5, 6, 5_000].map(
      (failures) => decide(unreachable, probe, failing(1, failures)).row.afterMs,
    );
    expect(waits).toEqual([2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
    expect(decide(unreachable, probe, failing(1, 3)).endpoint).toMatchObject({ failures: 4 });
  });

  it('is not thought worse of for what was on the wire when it began', () => {
    for (const failed of [refused, unreachable, throttled(5_000)])
      expect(decide(failed, tried, failing(10 * dayMs, 0, []))).toEqual({
        row: { afterMs: 0, counts: false },
        endpoint: null,
      });
  });

  it.each([
    [null, 1_000],
    [0, 1_000],
    [999, 1_000],
    [1_001, 1_001],
    [3_600_000, 3_600_000],
    [3_600_001, 3_600_000],
  ])('that asks for %s ms waits %s ms', (asked, afterMs) => {
    expect(decide(throttled(asked), tried, well)).toMatchObject({
      row: { afterMs, counts: false },
      endpoint: { to: 'failing', afterMs },
    });
  });

  it('that asks for no time waits as long as any that fails', () => {
    expect(decide(throttled(null), probe, failing(1, 3)).row.afterMs).toBe(16_000);
  });

  it('is given up after three days of nothing but failures, by a probe', () => {
    expect(decide(refused, probe, failing(3 * dayMs - 1)).endpoint).toMatchObject({ to: 'failing' });
    expect(decide(refused, probe, failing(3 * dayMs))).toEqual({
      row: { afterMs: 0, counts: false },
      endpoint: {
        to: 'paused',
        reason: 'nothing but failures for 72 hours, the last: answered 500',
        suspects: ['a', 'b', 'c'],
      },
    });
  });

  it('that another instance has left pauses nothing, whatever became of it', () => {
    const left = { ...failing(30 * dayMs, 9), superseded: true };
    for (const failed of [refused, { kind: 'gone', detail: 'answered 410' }] as const)
      expect(decide(failed, { ...tried, probe: true }, left).endpoint).toMatchObject({ to: 'failing' });
    expect(decide({ kind: 'gone', detail: '' }, tried, { ...well, superseded: true })).toMatchObject({
      row: { counts: false },
      endpoint: { to: 'failing', failures: 0 },
    });
  });

  it('that is gone is paused at once', () => {
    expect(decide({ kind: 'gone', detail: 'answered 410' }, tried, well)).toEqual({
      row: { afterMs: 0, counts: false },
      endpoint: { to: 'paused', reason: 'answered 410', suspects: ['c'] },
    });
  });

  it('has twenty suspects at most, the last ones', () => {
    const many = Array.from({ length: 20 }, (_, at) => `s${at}`);
    const { endpoint } = decide(refused, probe, failing(1, 0, many));
    expect(endpoint?.suspects).toEqual([...many.slice(1), 'c']);
  });
});

describe('an answer', () => {
  const read = (status: number, retryAfter?: string, said = '') =>
    readStatus(status, { retryAfter, said }, 0);

  it.each([200, 201, 204, 299])('of %s is taken', (status) => {
    expect(read(status)).toEqual({ kind: 'taken', status });
  });

  it.each([199, 300, 302, 307, 400, 401, 404, 409, 500, 502, 503])('of %s is not', (status) => {
    expect(read(status, undefined, 'why')).toEqual({ kind: 'refused', detail: `answered ${status}: why` });
  });

  it('of 410 ends it, of 429 asks for a wait, and so does 503 with a time', () => {
    expect(read(410)).toEqual({ kind: 'gone', detail: 'answered 410' });
    expect(read(429)).toEqual({ kind: 'throttled', retryAfterMs: null, detail: 'answered 429' });
    expect(read(503, '7')).toMatchObject({ kind: 'throttled', retryAfterMs: 7_000 });
    expect(read(500, '7').kind).toBe('refused');
  });

  it.each([
    [undefined, null],
    ['', null],
    [' 12 ', 12_000],
    ['1.5', null],
    ['-1', null],
    ['soon', null],
    ['1e3', null],
    ['12345678901', 12_345_678_901_000],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 10_000],
    ['Thu, 99 Jan 1970 00:00:10 GMT', null],
    ['2030', 2_030_000],
  ])('reads a Retry-After of %j as %s ms', (text, expected) => {
    expect(readRetryAfter(text, 0)).toBe(expected);
  });

  it('asks for no time that has passed', () => {
    expect(readRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 60_000)).toBe(0);
  });
});
