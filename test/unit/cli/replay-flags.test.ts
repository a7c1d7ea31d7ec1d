import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { echoOf, selectionOf, wordsOf, type ReplayFlags } from '../../../src/cli/commands/replay-flags.ts';

const now = new Date('2026-11-23T10:00:00Z');
const of = (flags: ReplayFlags) => selectionOf(flags, { now, topic: 't' });
const whole = { kind: 'topic', from: { kind: 'earliest' }, until: { kind: 'end' }, partitions: null };

describe('the flags of a replay', () => {
  it('name a window with both ends and its partitions', () => {
    expect(of({ earliest: true })).toEqual(whole);
    expect(of({ fromOffset: '5', untilOffset: '9', partitions: '0, 3' })).toEqual({
      kind: 'topic',
      from: { kind: 'offset', offset: 5 },
      until: { kind: 'offset', offset: 9 },
      partitions: [0, 3],
    });
    expect(of({ byDuration: 'PT1H', untilDatetime: '2026-11-23T09:30:00Z' })).toMatchObject({
      from: { kind: 'time', at: new Date('2026-11-23T09:00:00Z') },
      until: { kind: 'time', at: new Date('2026-11-23T09:30:00Z') },
    });
    expect(of({ shiftBy: '-100' })).toMatchObject({ from: { kind: 'shift', by: -100 } });
  });

  it('are taken in the spellings of kafka-consumer-groups', () => {
    expect(of({ toEarliest: true })).toEqual(whole);
    expect(of({ toOffset: '5', partition: '2' })).toMatchObject({
      from: { kind: 'offset', offset: 5 },
      partitions: [2],
    });
    expect(of({ toDatetime: '2026-11-23T10:00:00+08:00' })).toMatchObject({ from: { kind: 'time' } });
    expect(() => of({ toOffset: '5', fromOffset: '5' })).toThrow(/another spelling of --from-offset/);
  });

  it('read offsets from a file, and say which line is wrong', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'offsets-')), 'offsets.csv');
    writeFileSync(file, 't,1,7\n');
    expect(of({ offsetsFile: file })).toMatchObject({
      from: { kind: 'offsets', offsets: new Map([[1, 7]]) },
    });
    writeFileSync(file, 't,1,7\nt,x,7\n');
    expect(() => of({ fromFile: file })).toThrow(/line 2: must be topic,partition,offset/);
    expect(() => of({ offsetsFile: '/nowhere.csv' })).toThrow(/cannot be read/);
  });

  it.each<[ReplayFlags, RegExp]>([
    [{}, /exactly one of/],
    [{ earliest: true, payment: 'p' }, /exactly one of/],
    [{ payment: 'p', untilOffset: '3' }, /--until-offset is of the topic/],
    [{ state: 'pending' }, /only parked rows/],
    [{ earliest: true, untilOffset: '3', untilDatetime: '2026-11-23T10:00:00Z' }, /give one of --until/],
    [{ fromDatetime: '2026-11-23T10:00:00' }, /zone is required/],
    [{ fromOffset: 'x' }, /--from-offset x must be a whole number/],
    [{ earliest: true, partitions: '0,x' }, /--partitions x must be/],
    [{ byDuration: '1h' }, /ISO-8601/],
  ])('are refused with the rule: %j', (flags, rule) => {
    expect(() => of(flags)).toThrow(rule);
  });

  it.each(['P30000D', 'P999999999999999D', `P${'9'.repeat(400)}D`])(
    'begin at the first time of all where a duration is longer than any: %s',
    (byDuration) => {
      expect(of({ byDuration })).toMatchObject({ from: { kind: 'time', at: new Date(0) } });
    },
  );

  it('are echoed in UTC and local time, and put on record in words', () => {
    const selection = of({ fromDatetime: '2026-11-23T10:00:00+08:00', untilOffset: '9', partitions: '0' });
    expect(echoOf(selection)).toEqual([expect.stringMatching(/^from 2026-11-23T02:00:00.000Z UTC = /)]);
    expect(wordsOf(selection)).toBe(
      '--from-datetime 2026-11-23T02:00:00.000Z --until-offset 9 --partitions 0',
    );
    expect(wordsOf(of({ payment: 'p' }))).toBe('--payment p');
  });
});
