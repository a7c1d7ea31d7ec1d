import { readFileSync } from 'node:fs';
import { parseOffsetsFile } from '../../replay/offsets-file.ts';
import type { From, Selection, TopicSelection, Until } from '../../replay/selection.ts';
import { parseDuration, parseInstant } from '../../replay/when.ts';
import { usage, wholeNumber } from '../output.ts';

export type ReplayFlags = {
  fromOffset?: string;
  fromDatetime?: string;
  byDuration?: string;
  earliest?: boolean;
  shiftBy?: string;
  offsetsFile?: string;
  untilOffset?: string;
  untilDatetime?: string;
  partitions?: string;
  payment?: string;
  state?: string;
  // As kafka-consumer-groups spells them.
  toOffset?: string;
  toDatetime?: string;
  toEarliest?: boolean;
  fromFile?: string;
  partition?: string;
};

const begins = ['earliest', 'fromOffset', 'fromDatetime', 'byDuration', 'shiftBy', 'offsetsFile'] as const;
const selectors = [...begins, 'payment', 'state'] as const;
type Selector = (typeof selectors)[number];

/** Which spellings mean one thing; a flag that is given twice, in whatever spelling, is refused. */
const spellings = {
  fromOffset: 'toOffset',
  fromDatetime: 'toDatetime',
  earliest: 'toEarliest',
  offsetsFile: 'fromFile',
  partitions: 'partition',
} as const;

function withoutAliases(flags: ReplayFlags): ReplayFlags {
  const plain = { ...flags };
  for (const [name, alias] of Object.entries(spellings) as [keyof typeof spellings, keyof ReplayFlags][]) {
    if (flags[alias] === undefined) continue;
    if (flags[name] !== undefined)
      throw usage(`--${kebab(alias)} is another spelling of --${kebab(name)}: give one`);
    Object.assign(plain, { [name]: flags[alias] });
  }
  return plain;
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Exactly one selector, and with one of the topic an end and partitions. @throws FahuoError USAGE */
export function selectionOf(given: ReplayFlags, { now, topic }: { now: Date; topic: string }): Selection {
  const flags = withoutAliases(given);
  const [only, ...others] = selectors.filter((name) => flags[name] !== undefined);
  if (only === undefined || others.length > 0)
    throw usage(`give exactly one of ${selectors.map((name) => `--${kebab(name)}`).join(' ')}`);
  if (only === 'payment' || only === 'state') return selectionOfRows(only, flags);
  return {
    kind: 'topic',
    from: fromParsers[only](String(flags[only]), { now, topic }),
    until: untilOf(flags),
    partitions: flags.partitions === undefined ? null : partitionsOf(flags.partitions),
  };
}

function selectionOfRows(only: 'payment' | 'state', flags: ReplayFlags): Selection {
  const extra = (['untilOffset', 'untilDatetime', 'partitions'] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (extra !== undefined) throw usage(`--${kebab(extra)} is of the topic: it does not go with --${only}`);
  if (only === 'payment') return { kind: 'payment', payment: flags.payment ?? '' };
  if (flags.state !== 'parked')
    throw usage(
      `--state ${flags.state ?? ''}: only parked rows wait for somebody; the others move by themselves or are final`,
    );
  return { kind: 'state', state: 'parked' };
}

type Parse = (text: string, context: { now: Date; topic: string }) => From;

const fromParsers: Record<Exclude<Selector, 'payment' | 'state'>, Parse> = {
  earliest: () => ({ kind: 'earliest' }),
  fromOffset: (text) => ({ kind: 'offset', offset: wholeNumber('--from-offset', text) }),
  shiftBy: (text) => ({
    kind: 'shift',
    by: wholeNumber('--shift-by', text, { min: Number.MIN_SAFE_INTEGER }),
  }),
  fromDatetime: (text) => ({ kind: 'time', at: instant('--from-datetime', text) }),
  byDuration: (text, { now }) => ({
    kind: 'time',
    at: new Date(Math.max(0, now.getTime() - duration(text))),
  }),
  offsetsFile: (text, { topic }) => ({ kind: 'offsets', offsets: offsetsIn(text, topic) }),
};

function untilOf({ untilOffset, untilDatetime }: ReplayFlags): Until {
  if (untilOffset !== undefined && untilDatetime !== undefined)
    throw usage('give one of --until-offset --until-datetime');
  if (untilOffset !== undefined)
    return { kind: 'offset', offset: wholeNumber('--until-offset', untilOffset) };
  if (untilDatetime !== undefined) return { kind: 'time', at: instant('--until-datetime', untilDatetime) };
  return { kind: 'end' };
}

function instant(flag: string, text: string): Date {
  const when = parseInstant(text);
  if (when.kind === 'bad') throw usage(`${flag} ${text} ${when.rule}`);
  return when.at;
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw usage(`--by-duration ${text} must be an ISO-8601 duration like PT1H30M or P1D`);
  return ms;
}

const partitionsOf = (text: string): number[] =>
  text.split(',').map((one) => wholeNumber('--partitions', one.trim(), { max: 999_999_999 }));

function offsetsIn(file: string, topic: string): ReadonlyMap<number, number> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`--offsets-file ${file} cannot be read: ${(error as Error).message}`);
  }
  const parsed = parseOffsetsFile(text, topic);
  if (parsed.kind === 'bad') throw usage(`--offsets-file ${file}, line ${parsed.line}: ${parsed.rule}`);
  return parsed.offsets;
}

/** The instants of a selection in UTC and in local time: what was meant is seen. */
export function echoOf(selection: Selection): string[] {
  if (selection.kind !== 'topic') return [];
  const line = (word: string, end: From | Until): string[] =>
    end.kind === 'time' ? [`${word} ${end.at.toISOString()} UTC = ${end.at.toString()}`] : [];
  return [...line('from', selection.from), ...line('until', selection.until)];
}

/** A selection in the words of the command line, for the record. */
export function wordsOf(selection: Selection): string {
  switch (selection.kind) {
    case 'payment':
      return `--payment ${selection.payment}`;
    case 'state':
      return `--state ${selection.state}`;
    case 'topic':
      return [fromWords(selection.from), untilWords(selection.until), ...partitionWords(selection)]
        .filter(Boolean)
        .join(' ');
  }
}

function fromWords(from: From): string {
  switch (from.kind) {
    case 'earliest':
      return '--earliest';
    case 'offset':
      return `--from-offset ${from.offset}`;
    case 'time':
      return `--from-datetime ${from.at.toISOString()}`;
    case 'shift':
      return `--shift-by ${from.by}`;
    case 'offsets':
      return `--offsets-file (${Array.from(from.offsets, ([partition, offset]) => `${partition}:${offset}`).join(' ')})`;
  }
}

const untilWords = (until: Until): string =>
  until.kind === 'end'
    ? ''
    : until.kind === 'offset'
      ? `--until-offset ${until.offset}`
      : `--until-datetime ${until.at.toISOString()}`;

const partitionWords = ({ partitions }: TopicSelection): string[] =>
  partitions === null ? [] : [`--partitions ${partitions.join(',')}`];
