import { describe, expect, it } from 'vitest';
import { chunksOf, isLeftOut, isOutdated, isSame, judgeLeftOut } from '../../../src/consumer/batch.ts';
import type { Received } from '../../../src/kafka/message.ts';
import type { NewUpload, Rival } from '../../../src/upload/insert-store.ts';

const upload = (change: Partial<NewUpload> = {}): NewUpload =>
  ({
    event_id: 'e2',
    source: '/orders',
    appid: 'wx',
    payment: 'p',
    version: 2,
    kind: 'shipped',
    body_hash: 'h',
    ...change,
  }) as NewUpload;
/** Another event of the payment, of version 1. */
const rival = (change: Partial<Rival> = {}): Rival => ({
  appid: 'wx',
  payment: 'p',
  version: 1,
  kind: 'shipped',
  eventId: 'e1',
  source: '/orders',
  bodyHash: 'h1',
  state: 'acknowledged',
  ...change,
});
const correction = upload({ kind: 'corrected' });
/** Has the version of ours, but is of another app or payment. */
const elsewhere = [
  rival({ version: 2, bodyHash: 'h', payment: 'q' }),
  rival({ version: 2, bodyHash: 'h', appid: 'wy' }),
];

describe('what the insert leaves out', () => {
  it('is an event that came before, and a version of the payment that came before', () => {
    expect(isLeftOut(upload(), [])).toBe(false);
    expect(isLeftOut(upload(), [rival(), rival({ version: 3, eventId: 'e3' })])).toBe(false);
    expect(isLeftOut(upload(), [rival(), rival({ eventId: 'e2', payment: 'q' })])).toBe(true);
    expect(isLeftOut(upload(), [rival(), rival({ version: 2 })])).toBe(true);
    expect(isLeftOut(upload(), elsewhere)).toBe(false);
  });

  it('is no event of another source that has the same id', () => {
    const other = rival({ eventId: 'e2', source: '/shop-b', payment: 'q' });
    expect(isLeftOut(upload(), [other])).toBe(false);
    expect(judgeLeftOut(upload(), [other, rival({ version: 2 })])).toMatchObject({
      detail: expect.stringMatching(/^version 2 /) as string,
    });
  });

  it('is a second correction beside one that did not fail', () => {
    for (const state of ['pending', 'uploading', 'unknown', 'parked', 'acknowledged'] as const)
      expect(isLeftOut(correction, [rival({ kind: 'corrected', state })])).toBe(true);
    for (const state of ['rejected', 'superseded'] as const)
      expect(isLeftOut(correction, [rival({ kind: 'corrected', state })])).toBe(false);
    expect(isLeftOut(correction, [rival({ kind: 'corrected', payment: 'q' })])).toBe(false);
    expect(isLeftOut(correction, [rival()])).toBe(false);
    expect(isLeftOut(upload(), [rival({ kind: 'corrected' })])).toBe(false);
  });

  it('is no correction that is outdated: it takes no place', () => {
    const newer = rival({ version: 3, eventId: 'e3' });
    expect(isLeftOut(correction, [rival({ kind: 'corrected' }), newer])).toBe(false);
  });
});

it('is outdated beside an acknowledged, newer version of its payment, and no other', () => {
  const beside = (change: Partial<Rival>) => isOutdated(upload(), [rival({ version: 3, ...change })]);
  expect(beside({})).toBe(true);
  expect(beside({ version: 2 })).toBe(false);
  expect(beside({ state: 'pending' })).toBe(false);
  expect(beside({ payment: 'q' })).toBe(false);
  expect(beside({ appid: 'wy' })).toBe(false);
});

it('is the same in payment, version, kind and body, whatever its event is called', () => {
  const same: Partial<Rival> = { version: 2, bodyHash: 'h' };
  expect(isSame(rival(same), upload())).toBe(true);
  const differing: Partial<Rival>[] = [
    { version: 1 },
    { kind: 'corrected' },
    { bodyHash: 'x' },
    { payment: 'q' },
    { appid: 'wy' },
  ];
  for (const change of differing) expect(isSame(rival({ ...same, ...change }), upload())).toBe(false);
});

describe('the judgement of what was left out', () => {
  const detailOf = (rivals: Rival[], one = upload()) => {
    const judged = judgeLeftOut(one, rivals);
    return judged.kind === 'dead' ? judged.detail : judged.kind;
  };

  it('names the event whose version this is, of the same payment', () => {
    const named = rival({ version: 2, eventId: 'first' });
    expect(detailOf([rival({ eventId: 'older' }), ...elsewhere, named])).toMatch(
      /^version 2 .*\(event first\): send the next version/,
    );
  });

  it('names the event id that was used for something else', () => {
    expect(detailOf([rival(), rival({ eventId: 'e2', version: 7 })])).toMatch(
      /event id e2 of \/orders was used before/,
    );
  });

  it('names the correction that stands in the way, of the same payment, and none that it cannot see', () => {
    const standing = rival({ kind: 'corrected', eventId: 'standing', state: 'parked' });
    const others = [
      rival({ eventId: 'shipped' }),
      rival({ kind: 'corrected', eventId: 'other', payment: 'q' }),
      rival({ kind: 'corrected', eventId: 'failed', state: 'rejected' }),
      rival({ kind: 'corrected', eventId: 'replaced', state: 'superseded' }),
    ];
    expect(detailOf([...others, standing], correction)).toContain('(event standing)');
    expect(detailOf(others, correction)).toContain('(event unknown)');
  });
});

describe('a chunk', () => {
  const received = (size: number | null): Received => ({
    topic: 't',
    partition: 0,
    offset: 0,
    key: null,
    value: size === null ? null : Buffer.alloc(size),
    headers: {},
  });
  const cut = (...sizes: (number | null)[]): number[] =>
    chunksOf(sizes.map((size) => received(size))).map((chunk) => chunk.length);
  const most = 524_288;

  it('holds 512 KiB and not a byte more, unless one message has more', () => {
    expect(cut(most - 1, 1, 1)).toEqual([2, 1]);
    expect(cut(most, 1)).toEqual([1, 1]);
    expect(cut(1, most + 1, 1)).toEqual([1, 1, 1]);
    expect(cut(most, most - 1, 1, 1)).toEqual([1, 2, 1]);
  });

  it('holds messages without a value, which have no size', () => {
    expect(cut(null, most, null)).toEqual([3]);
  });

  it('is given on once, with every message in its order', () => {
    const messages = Array.from({ length: 501 }, () => received(1));
    expect(chunksOf(messages).flat()).toEqual(messages);
    expect(chunksOf(messages.slice(0, 500))).toHaveLength(1);
  });
});
