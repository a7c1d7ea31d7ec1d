import { describe, expect, it } from 'vitest';
import { faultRules } from '../../../src/sandbox/faults.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import {
  checkCombined,
  checkEvent,
  checkReceived,
  CORRECTED,
  describeProblems,
} from '../../../src/shipment/contract.ts';
import { blocksOf, documents, readText } from '../../support/documents.ts';

type Found = { file: string; value: unknown };

const found = (info: string): Found[] =>
  documents().flatMap((file) =>
    blocksOf(readText(file))
      .filter((block) => block.info === info)
      .map((block) => ({ file, value: JSON.parse(block.text) as unknown })),
  );

describe('an event in the documents', () => {
  const events = found('json event');

  it.each(events.map(({ file, value }) => [file, (value as { id: string }).id, value]))(
    'of %s, %s, is one that the contract takes',
    (_file, _id, value) => {
      const checked = checkEvent(value, { carriers: bundledCarriers() });
      expect(checked.kind === 'invalid' ? describeProblems(checked.problems) : '').toBe('');
    },
  );

  it('stands there for each type, each mode, each kind of key and the correction', () => {
    type Body = {
      type: string;
      data: { logistics_type: number; delivery_mode: number; order_key: { order_number_type: number } };
    };
    const bodies = events.map(({ value }) => value as Body);
    expect(new Set(bodies.map(({ data }) => data.logistics_type))).toEqual(new Set([1, 2, 3, 4]));
    expect(new Set(bodies.map(({ data }) => data.delivery_mode))).toEqual(new Set([1, 2]));
    expect(new Set(bodies.map(({ data }) => data.order_key.order_number_type))).toEqual(new Set([1, 2]));
    expect(bodies.map(({ type }) => type)).toContain(CORRECTED);
  });
});

it('a combined event in the documents is one that the contract takes', () => {
  const events = found('json combined');
  expect(events.length).toBeGreaterThan(0);
  for (const { value } of events) {
    const checked = checkCombined(value, { carriers: bundledCarriers() });
    expect(checked.kind === 'invalid' ? describeProblems(checked.problems) : '').toBe('');
  }
});

it('a received event in the documents is one that the contract takes', () => {
  const events = found('json received');
  expect(events.length).toBeGreaterThan(0);
  for (const { value } of events) {
    const checked = checkReceived(value, { now: new Date('2026-12-01T00:00:00Z') });
    expect(checked.kind === 'invalid' ? describeProblems(checked.problems) : '').toBe('');
  }
});

it('every other block of JSON says what it is, and is JSON', () => {
  const blocks = documents().flatMap((file) => blocksOf(readText(file)));
  const kinds = blocks.map(({ info }) => info).filter((info) => info.startsWith('json'));
  expect(new Set(kinds)).toEqual(
    new Set([
      'json event',
      'json combined',
      'json received',
      'json acknowledgement',
      'json settlement',
      'json apps',
      'json faults',
    ]),
  );
  expect(found('json acknowledgement')).toHaveLength(1);
});

it('the faults in the documents are faults that the sandbox takes', () => {
  const faults = found('json faults');
  expect(faults.length).toBeGreaterThan(0);
  for (const { value } of faults) expect(faultRules.safeParse(value).error).toBeUndefined();
});
