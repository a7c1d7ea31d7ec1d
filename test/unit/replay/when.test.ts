import { describe, expect, it } from 'vitest';
import { parseDuration, parseInstant } from '../../../src/replay/when.ts';

describe('a datetime', () => {
  const at = (text: string): string => {
    const when = parseInstant(text);
    return when.kind === 'instant' ? when.at.toISOString() : when.rule;
  };

  it.each([
    ['2026-11-23T10:00Z', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T10:00:07+08:00', '2026-11-23T02:00:07.000Z'],
    ['2026-11-23T10:00:07.5-01:30', '2026-11-23T11:30:07.500Z'],
    ['2026-11-23T10:00:07.123Z', '2026-11-23T10:00:07.123Z'],
  ])('is read with its zone, seconds and milliseconds where it has them: %s', (text, instant) => {
    expect(at(text)).toBe(instant);
  });

  it.each([
    '2026-11-23',
    '2026-11-23T10:00:00',
    '2026-11-23T10:00:00+8:00',
    '2026-11-23T10:00:00+0800',
    '2026-11-23T10:00:00+08:0',
    '2026-11-23T10:00:00.1234Z',
    '2026-11-23T10:00:00.Z',
    '2026-11-23T10:00:0Z',
    '2026-11-23T10:0:00Z',
    '2026-11-23T1:00:00Z',
    '2026-11-3T10:00:00Z',
    '2026-1-23T10:00:00Z',
    '226-11-23T10:00:00Z',
    'x2026-11-23T10:00:00Z',
    '2026-11-23T10:00:00Zx',
    '2026-11-23 10:00:00Z',
  ])('is refused in another form than the documented one: %s', (text) => {
    expect(at(text)).toMatch(/the zone is required/);
  });

  it.each([
    '2026-13-23T10:00:00Z',
    '2026-11-23T25:00:00Z',
    '2026-11-23T10:60:00Z',
    '2026-02-29T10:00:00Z',
    '2026-02-30T10:00:00+08:00',
    '2026-04-31T10:00:00Z',
    '2026-11-00T10:00:00Z',
  ])('is refused off the calendar: %s', (text) => {
    expect(at(text)).toBe('is not a date of the calendar');
  });

  it('is taken on a leap day, and on a day that its zone moves into another month', () => {
    expect(at('2028-02-29T10:00:00Z')).toBe('2028-02-29T10:00:00.000Z');
    expect(at('2026-03-01T01:00:00+08:00')).toBe('2026-02-28T17:00:00.000Z');
  });

  it('is refused before 1970: below it Kafka has other meanings', () => {
    expect(at('1970-01-01T00:00:00Z')).toBe('1970-01-01T00:00:00.000Z');
    expect(at('1969-12-31T23:59:59.999Z')).toBe('is before 1970, where times begin in Kafka');
    expect(at('1970-01-01T07:59:59+08:00')).toBe('is before 1970, where times begin in Kafka');
  });
});

describe('a duration', () => {
  it('adds up days, hours, minutes and seconds', () => {
    expect(['P12D', 'PT10H', 'PT15M', 'PT20S', 'PT0S'].map(parseDuration)).toEqual([
      1_036_800_000, 36_000_000, 900_000, 20_000, 0,
    ]);
    expect(parseDuration('P1DT2H3M4S')).toBe(93_784_000);
  });

  it.each(['P', 'PT', 'P1DT', '', '1D', 'PD', 'P1H', 'P1W', 'xP1D', 'P1Dx', 'PT1S1M', 'P-1D', 'PT1.5H'])(
    'is nothing else: %j',
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
});
