import { describe, expect, it } from 'vitest';
import type { Parcel, Upload } from '../../../src/sandbox/check.ts';
import {
  applyUpload,
  type Applied,
  type PaymentState,
  type ParcelMode,
} from '../../../src/sandbox/payment.ts';
import { createRandom } from '../../support/random.ts';

const nowMs = Date.parse('2026-11-23T10:00:00+08:00');
const openid = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o';

const parcel = (trackingNo: string, changes: Partial<Parcel> = {}): Parcel => ({
  trackingNo,
  company: 'YTO',
  itemDesc: '苹果',
  contact: '',
  ...changes,
});
const unified = (trackingNo: string, changes: Partial<Upload> = {}): Upload => ({
  payment: '42',
  logisticsType: 1,
  deliveryMode: 1,
  allDelivered: true,
  parcels: [parcel(trackingNo)],
  uploadTimeMs: nowMs,
  openid,
  ...changes,
});
const split = (trackingNos: string[], changes: Partial<Upload> = {}): Upload =>
  unified('', {
    deliveryMode: 2,
    allDelivered: false,
    parcels: trackingNos.map((no) => parcel(no)),
    ...changes,
  });

const unshipped: PaymentState = {
  shipping: null,
  orderState: 1,
  openid: null,
  lastUploadTimeMs: 0,
  reshipSpent: false,
};

/** One payment that takes uploads in turn, each a second later, as World keeps it. */
class Books {
  held: PaymentState;
  #seconds = 0;
  readonly mode: ParcelMode;

  constructor(mode: ParcelMode = 'merge', held: Partial<PaymentState> = {}) {
    this.mode = mode;
    this.held = { ...unshipped, ...held };
  }

  /** The errcode of a refusal, or the effect. */
  send(upload: Upload): number | string {
    this.#seconds += 1;
    const uploadTimeMs = nowMs + this.#seconds * 1000;
    return this.#take(
      applyUpload(this.held, { ...upload, uploadTimeMs }, { nowMs: uploadTimeMs, mode: this.mode }),
      uploadTimeMs,
    );
  }

  get trackingNos(): string[] {
    return (this.held.shipping?.parcels ?? []).map(({ trackingNo }) => trackingNo);
  }

  #take(applied: Applied, uploadTimeMs: number): number | string {
    if (applied.kind === 'refused') return applied.errcode;
    const { shipping, effect } = applied;
    this.held = {
      ...this.held,
      shipping,
      orderState: shipping.finished ? 2 : this.held.orderState,
      lastUploadTimeMs: uploadTimeMs,
      reshipSpent: this.held.reshipSpent || effect === 'reship',
    };
    return effect;
  }
}

describe('the first upload of a payment', () => {
  it('in unified mode finishes it once', () => {
    const books = new Books();
    expect(books.send(unified('A'))).toBe('ship');
    expect(books.held.shipping).toMatchObject({ finished: true, finishCount: 1, deliveryMode: 1 });
    expect(books.held.reshipSpent).toBe(false);
  });

  it('in split mode leaves it open until all is delivered', () => {
    const books = new Books();
    expect(books.send(split(['A']))).toBe('ship');
    expect(books.held.shipping).toMatchObject({ finished: false, finishCount: 0 });
    expect(books.send(split(['A', 'B'], { allDelivered: true }))).toBe('add');
    expect(books.held.shipping).toMatchObject({ finished: true, finishCount: 1 });
    expect(books.held.reshipSpent).toBe(false);
  });

  it('keeps the time of each parcel’s own upload', () => {
    const books = new Books();
    books.send(split(['A']));
    books.send(split(['B']));
    const times = books.held.shipping?.parcels.map(({ uploadedAtMs }) => uploadedAtMs - nowMs);
    expect(times).toEqual([1000, 2000]);
  });
});

describe('an upload that brings nothing new', () => {
  it.each([
    ['a finished unified payment', unified('A')],
    ['an open split payment', split(['A', 'B'])],
    ['a finished split payment', split(['A', 'B'], { allDelivered: true })],
    ['virtual goods', unified('', { logisticsType: 3 })],
  ])('answers 10060023 for %s, however often, and moves nothing', (_claim, upload) => {
    const books = new Books();
    books.send(upload);
    const before = books.held;
    expect([books.send(upload), books.send(upload)]).toEqual([10060023, 10060023]);
    expect(books.held).toEqual(before);
  });

  it('is known by its content, not by the order of its parcels', () => {
    const books = new Books('overwrite');
    books.send(split(['A', 'B']));
    expect(books.send(split(['B', 'A']))).toBe(10060023);
  });

  it('is a subset of what an open payment holds where parcels are merged, and a change where they are not', () => {
    const resend = (mode: ParcelMode) => {
      const books = new Books(mode);
      books.send(split(['A', 'B']));
      return [books.send(split(['A'])), books.trackingNos];
    };
    expect(resend('merge')).toEqual([10060023, ['A', 'B']]);
    expect(resend('overwrite')).toEqual(['add', ['A']]);
  });

  it('still answers 10060023 after the chance is spent', () => {
    const books = new Books();
    books.send(unified('A'));
    books.send(unified('B'));
    expect(books.send(unified('B'))).toBe(10060023);
  });
});

describe('more parcels for an open payment', () => {
  it('are merged by tracking number: a new one is added, a known one replaced', () => {
    const books = new Books('merge');
    books.send(split(['A', 'B']));
    const changed = split([], { parcels: [parcel('B', { itemDesc: '梨' }), parcel('C')] });
    expect(books.send(changed)).toBe('add');
    expect(books.trackingNos).toEqual(['A', 'B', 'C']);
    expect(books.held.shipping?.parcels[1]?.itemDesc).toBe('梨');
  });

  it('replace the list where parcels are overwritten', () => {
    const books = new Books('overwrite');
    books.send(split(['A', 'B']));
    expect(books.send(split(['C']))).toBe('add');
    expect(books.trackingNos).toEqual(['C']);
  });

  it('stand beside the same ones where parcels are appended, but for one that is whole', () => {
    const books = new Books('append');
    expect([books.send(split(['A'])), books.send(split(['A']))]).toEqual(['ship', 'add']);
    expect(books.trackingNos).toEqual(['A', 'A']);
    const whole = new Books('append');
    expect([whole.send(unified('A')), whole.send(unified('A'))]).toEqual(['ship', 10060023]);
  });

  it('come out the same in both modes when every upload restates the whole list', () => {
    const listsOf = (mode: ParcelMode) => {
      const books = new Books(mode);
      for (const list of [['A'], ['A', 'B'], ['A', 'B', 'C']]) books.send(split(list));
      return books.trackingNos;
    };
    expect(listsOf('merge')).toEqual(listsOf('overwrite'));
  });

  it('are refused with 10060024 when merging makes them more than fifteen', () => {
    const numbers = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => `P${from + at}`);
    const books = new Books('merge');
    books.send(split(numbers(0, 14)));
    expect(books.send(split(numbers(14, 2)))).toBe(10060024);
    expect(books.trackingNos).toHaveLength(14);
    expect(books.send(split(numbers(14, 1)))).toBe('add');
  });
});

describe('the re-ship chance', () => {
  const finished: [claim: string, upload: Upload][] = [
    ['another tracking number', unified('B')],
    ['another text', unified('', { parcels: [parcel('A', { itemDesc: '梨' })] })],
    ['another carrier', unified('', { parcels: [parcel('A', { company: 'ZTO' })] })],
    ['another mask', unified('', { parcels: [parcel('A', { contact: '{"receiver_contact":"****1234"}' })] })],
    ['another mode', split(['A'], { allDelivered: true })],
    ['another logistics type', unified('A', { logisticsType: 4 })],
    ['a parcel more', split(['A', 'B'])],
  ];

  it.each(finished)('of a finished payment is spent by %s', (_claim, upload) => {
    const books = new Books();
    books.send(unified('A'));
    expect(books.send(upload)).toBe('reship');
    expect(books.held.reshipSpent).toBe(true);
    expect(books.held.shipping).toMatchObject({ finished: true, finishCount: 2 });
  });

  it.each(finished)('is there once: after it %s answers 10060003 and changes nothing', (_claim, upload) => {
    const books = new Books();
    books.send(unified('A'));
    books.send(unified('Z'));
    const before = books.held;
    expect(books.send(upload)).toBe(10060003);
    expect(books.held).toEqual(before);
  });

  it.each([
    ['mode', unified('A')],
    ['logistics type', split(['A'], { logisticsType: 2 })],
    ['mode and its logistics type', unified('A', { logisticsType: 2 })],
  ])('of an open payment is spent by a change of its %s', (_claim, upload) => {
    const books = new Books();
    books.send(split(['A']));
    expect([books.send(upload), books.held.reshipSpent]).toEqual(['reship', true]);
  });

  it('holds the new parcels alone', () => {
    const books = new Books('merge');
    books.send(split(['A', 'B'], { allDelivered: true }));
    books.send(split(['C'], { allDelivered: true }));
    expect(books.trackingNos).toEqual(['C']);
  });

  it('is spent at most once in any history, and counted as WeChat counts it', () => {
    const random = createRandom(11);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    for (let history = 0; history < 300; history++) {
      const books = new Books(pick(['merge', 'overwrite']));
      const effects: (number | string)[] = [];
      for (let step = 0; step < 12; step++) {
        const numbers = ['A', 'B', 'C'].filter(() => random() < 0.5);
        const one = numbers[0] ?? 'A';
        effects.push(books.send(pick([unified(one), split([one]), split([one], { allDelivered: true })])));
        const { shipping, reshipSpent } = books.held;
        expect(shipping?.finishCount).toBe(reshipSpent ? 2 : shipping?.finished === true ? 1 : 0);
      }
      expect(effects.filter((effect) => effect === 'ship')).toHaveLength(1);
      expect(effects.filter((effect) => effect === 'reship').length).toBeLessThanOrEqual(1);
    }
  });
});

describe('a payment that cannot be shipped', () => {
  it.each([3, 4, 5, 6])('in state %i answers 10060004', (orderState) => {
    expect(new Books('merge', { orderState }).send(unified('A'))).toBe(10060004);
  });

  it('of another payer answers 10060031', () => {
    expect(new Books('merge', { openid: 'o-other' }).send(unified('A'))).toBe(10060031);
    expect(new Books('merge', { openid }).send(unified('A'))).toBe('ship');
  });
});

describe('upload_time', () => {
  const shipped = new Books();
  shipped.send(unified('A'));
  const { held } = shipped;
  const at = (uploadTimeMs: number, upload = unified('B')) =>
    applyUpload(held, { ...upload, uploadTimeMs }, { nowMs, mode: 'merge' });

  it('must be newer than that of the last upload taken, or 268485216 is the answer', () => {
    const refused = { kind: 'refused', errcode: 268485216 };
    expect(at(held.lastUploadTimeMs - 1)).toEqual(refused);
    expect(at(held.lastUploadTimeMs)).toEqual(refused);
    expect(at(held.lastUploadTimeMs, unified('A'))).toEqual(refused);
    expect(at(held.lastUploadTimeMs + 1)).toMatchObject({ kind: 'applied', effect: 'reship' });
  });
});
