import { systemClock } from '../../../src/clock.ts';
import { describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { chunksOf, judgeLeftOut } from '../../../src/consumer/batch.ts';
import { decode } from '../../../src/consumer/decode.ts';
import { isDeeperThan } from '../../../src/shipment/nesting.ts';
import { renderUpload } from '../../../src/consumer/render.ts';
import type { Received } from '../../../src/kafka/message.ts';
import type { NewUpload, Rival } from '../../../src/upload/insert-store.ts';
import { combinedEvent, shippedEvent } from '../../support/events.ts';
import { createRandom } from '../../support/random.ts';

const first = `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`;
const second = `00-${'a'.repeat(32)}-${'2'.repeat(16)}-01`;
const options = { carriers: bundledCarriers(), maskContacts: false, clock: systemClock };
const bytes = (headers: Record<string, string>): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]));
const binaryHeaders = {
  ce_specversion: '1.0',
  ce_id: 'e1',
  ce_type: 'fahuo.shipment.shipped.v1',
  ce_source: '/orders',
  ce_time: '2026-11-23T10:00:00+08:00',
  ce_appid: 'wx0123456789abcdef',
  ce_version: '1',
};
const received = (
  value: string | Buffer | null,
  headers: Record<string, string> = binaryHeaders,
): Received => ({
  topic: 't',
  partition: 0,
  offset: 5,
  key: null,
  value: value === null ? null : Buffer.from(value),
  headers: bytes(headers),
});
const data = JSON.stringify(shippedEvent().data);
const reasonOf = (message: Received): string => {
  const decoded = decode(message, options);
  return decoded.kind === 'dead' ? `${decoded.reason}: ${decoded.detail}` : 'event';
};

describe('decoding a message', () => {
  it('reads CloudEvents in binary mode', () => {
    const decoded = decode(received(data), options);
    expect(decoded).toMatchObject({
      kind: 'event',
      event: { id: 'e1', version: 1, appid: 'wx0123456789abcdef' },
    });
  });

  it('reads CloudEvents in structured mode, from producers without an outbox', () => {
    const { data: body, ...attributes } = shippedEvent();
    const text = JSON.stringify({
      specversion: '1.0',
      datacontenttype: 'application/json',
      ...attributes,
      data: body,
    });
    const decoded = decode(
      received(text, { 'content-type': 'application/cloudevents+json; charset=utf-8' }),
      options,
    );
    expect(decoded).toMatchObject({ kind: 'event', event: { version: 1 } });
  });

  it.each([
    ['a tombstone', null, 'undecodable: the message has no value'],
    ['JSON that was quoted once more', JSON.stringify(data), 'connect.storage.StringConverter'],
    ['a text for a value', '"shipped"', 'is a JSON string that holds a text'],
    [
      "a connector's envelope",
      JSON.stringify({ schema: { type: 'string', optional: false }, payload: data }),
      'value.converter.schemas.enable=false',
    ],
    [
      "a schema registry's format",
      Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from(data)]),
      'StringSerializer',
    ],
    ['half a document', data.slice(0, 50), 'undecodable: the value is not JSON'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x22]), 'undecodable: the value is not UTF-8'],
    ['a megabyte', `"${'x'.repeat(1_000_000)}"`, 'undecodable: the value has 1000002 bytes'],
    ['a thousand brackets', '['.repeat(1_000), 'undecodable: the value is nested deeper than 32'],
    [
      'a string for a number',
      data.replace('"logistics_type":1', '"logistics_type":"1"'),
      'invalid: data.logistics_type is "1"',
    ],
    ['a lone surrogate', data.replace('红', '\\ud800'), 'invalid: data.shipping_list[0].item_desc'],
    ['a NUL', data.replace('SF4', '\\u0000'), 'invalid: data.shipping_list[0].tracking_no'],
    ['an array', '[]', 'invalid: '],
    ['null', 'null', 'invalid: '],
    [
      'nesting behind a string full of closed brackets',
      `{"s":"${']'.repeat(100_000)}","order_key":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      'undecodable: the value is nested deeper than 32',
    ],
  ])('dead-letters %s and says why', (_name, value, reason) => {
    expect(reasonOf(received(value))).toContain(reason);
  });

  it('refuses an unknown type, a missing header and a version that is no number', () => {
    expect(reasonOf(received(data, { ...binaryHeaders, ce_type: 'other.v9' }))).toContain(
      'type is "other.v9"',
    );
    expect(reasonOf(received(data, { ...binaryHeaders, ce_version: 'x1' }))).toContain('version');
    expect(reasonOf(received(data, {}))).toContain('type is missing');
  });

  it('refuses a combined event, whose parts have keys of their own, and says where it belongs', () => {
    const event = combinedEvent(['P1', 'P2']);
    const structured = { 'content-type': 'application/cloudevents+json' };
    const said =
      'invalid: type is "fahuo.shipment.combined.v1": names several payments, and a message has the key of one: send an event for each, or write it with fahuo.enqueue_combined';
    expect(reasonOf(received(JSON.stringify(event), structured))).toBe(said);
    const binary = { ...binaryHeaders, ce_type: 'fahuo.shipment.combined.v1' };
    expect(reasonOf(received(JSON.stringify(event.data), binary))).toBe(said);
  });

  it('says of any member that is nested too deep that it is, and throws of none', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const structured = { 'content-type': 'application/cloudevents+json' };
    for (const member of ['type', 'id', 'version', 'data'])
      for (const maskContacts of [true, false]) {
        const text = JSON.stringify({ ...shippedEvent(), [member]: 'DEEP' }).replace('"DEEP"', deep);
        const decoded = decode(received(text, structured), { ...options, maskContacts });
        expect(decoded).toMatchObject({ kind: 'dead', reason: 'undecodable' });
      }
  });

  it('counts nesting, and no brackets in texts', () => {
    const deeper = (text: string, limit: number): boolean => isDeeperThan(text, limit);
    expect([deeper('[[]]', 2), deeper('[[[]]]', 2), deeper('[{},{},[]]', 2)]).toEqual([false, true, false]);
    expect([deeper('["[[[[", "\\"[["]', 1), deeper('["]]\\\\", [[]]]', 2)]).toEqual([false, true]);
    expect([deeper('["",[]]', 1), deeper('{"[":{"}":{}}}', 2), deeper('"[[', 1)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('reads an event whose texts are full of brackets', () => {
    const { data: body } = shippedEvent();
    const [parcel] = body.shipping_list;
    const parcels = Array.from({ length: 15 }, (_, at) => ({
      ...parcel,
      tracking_no: `SF${at}`,
      item_desc: '[[[ 苹果',
    }));
    const text = JSON.stringify({
      ...body,
      delivery_mode: 2,
      is_all_delivered: true,
      shipping_list: parcels,
    });
    expect(reasonOf(received(text))).toBe('event');
  });

  it('passes over extension attributes of others, in both modes', () => {
    const structured = JSON.stringify({
      ...shippedEvent(),
      specversion: '1.0',
      partitionkey: 'p',
      tracestate: 'x',
    });
    expect(
      reasonOf(received(structured, { 'Content-Type': 'x', 'content-type': 'Application/CloudEvents+JSON' })),
    ).toBe('event');
    expect(reasonOf(received(data, { ...binaryHeaders, ce_partitionkey: 'p' }))).toBe('event');
  });

  it.each([
    ['id', { ce_id: 'a\0b' }],
    ['source', { ce_source: 'a\0b' }],
  ])('refuses a NUL in %s, which Postgres text cannot hold', (name, headers) => {
    expect(reasonOf(received(data, { ...binaryHeaders, ...headers }))).toContain(`invalid: ${name} is`);
  });

  it.each([
    ['no parcel', [null]],
    ['no object of contacts', [{ item_desc: 'x', contact: '13812341234' }]],
    ['numbers for phones', [{ item_desc: 'x', contact: { receiver_contact: 5 } }]],
  ])('dead-letters %s as well when masking is switched on', (_name, shipping_list) => {
    const message = received(JSON.stringify({ ...shippedEvent().data, shipping_list }));
    expect(decode(message, { ...options, maskContacts: true, clock: systemClock })).toMatchObject({
      kind: 'dead',
      reason: 'invalid',
    });
  });

  it('never throws, whatever the bytes are', () => {
    const random = createRandom(5);
    const pick = (count: number): number => Math.floor(random() * count);
    const pieces = ['{', '}', '[', ']', '"', ',', ':', '\\', '\0', '1e999', 'null', '\\ud800', '__proto__'];
    for (let round = 0; round < 3_000; round++) {
      const bytes = Buffer.from(data);
      for (let change = 0; change <= pick(4); change++) {
        const piece = pieces[pick(pieces.length)]!;
        bytes.write(piece, pick(bytes.length - piece.length));
        if (random() < 0.3) bytes[pick(bytes.length)] = pick(256);
      }
      for (const maskContacts of [true, false])
        expect(['event', 'dead']).toContain(decode(received(bytes), { ...options, maskContacts }).kind);
    }
  });

  it('keeps what a message names that is not valid, so that it is found by its event and payment', () => {
    const of = (value: unknown) => {
      const message = received(JSON.stringify(value));
      const headers = { 'content-type': Buffer.from('application/cloudevents+json') };
      return decode({ ...message, headers }, options);
    };
    expect(of({ id: 'e1', data: { order_key: { transaction_id: 't1' } } })).toMatchObject({
      eventId: 'e1',
      payment: 't1',
    });
    expect(of({ data: { order_key: { mchid: '19000', out_trade_no: 'o1' } } })).toMatchObject({
      eventId: null,
      payment: '19000:o1',
    });
    expect(of({ source: '/orders', appid: 'wx1', version: '2', data: {} })).toMatchObject({
      source: '/orders',
      appid: 'wx1',
      version: 2,
    });
    for (const version of [0, -1, 1.5, '01', 'x', null, [1], 1e9])
      expect(of({ version, data: {} })).toMatchObject({ version: null });
    for (const data of [null, 1, {}, { order_key: null }, { order_key: { mchid: 1, out_trade_no: 'o' } }])
      expect(of({ id: 'e1', data })).toMatchObject({ kind: 'dead', eventId: 'e1', payment: null });
  });

  it.each<[string, string | Buffer | null]>([
    ['of another encoding', Buffer.from('7b22c6bbb9fb227d', 'hex')],
    ['that is no JSON', 'id=17'],
    ['that a converter quoted', JSON.stringify(data)],
    ['of too many bytes', 'x'.repeat(262_145)],
    ['that is empty', ''],
    ['that is none', null],
    ['that is nested too deep to be read', '['.repeat(50_000)],
  ])('is named by its headers where they do, over a value %s', (_, value) => {
    expect(decode(received(value), options)).toMatchObject({
      reason: 'undecodable',
      eventId: 'e1',
      source: '/orders',
      appid: 'wx0123456789abcdef',
      payment: null,
      version: 1,
    });
  });

  it('refuses a header that is no UTF-8: two ids in another encoding would be one', () => {
    const of = (name: string, value: Buffer) => {
      const message = received(data, {
        ...binaryHeaders,
        ce_type: 'fahuo.shipment.corrected.v1',
        ce_reason: 'r',
      });
      return reasonOf({
        ...message,
        headers: { ...message.headers, ce_approvedby: Buffer.from('li'), [name]: value },
      });
    };
    const gbk = Buffer.from('c6bbb9fb', 'hex');
    for (const name of ['ce_id', 'ce_source', 'ce_reason', 'ce_approvedby'])
      expect(of(name, gbk)).toBe(`invalid: ${name} is no UTF-8: send the header as UTF-8 text`);
    expect(of('ce_id', Buffer.from('\ufffd'))).toBe('event');
    expect(of('traceparent', gbk)).toBe('event');
    expect(of('x-of-others', gbk)).toBe('event');
  });

  it('reads of a structured event what its members say, in CloudEvents’ spelling or in ours', () => {
    const structured = { 'content-type': 'application/cloudevents+json' };
    const correction = { ...shippedEvent(), type: 'fahuo.shipment.corrected.v1', reason: 'wrong number' };
    const of = (change: object) =>
      decode(received(JSON.stringify({ ...correction, ...change }), structured), options);
    for (const approval of [
      { approvedby: 'li' },
      { approved_by: 'li' },
      { approved_by: 'li', approvedby: 'wang' },
    ])
      expect(of({ ...approval, traceparent: first })).toMatchObject({
        event: { reason: 'wrong number', approved_by: 'li' },
        traceparent: first,
      });
    expect(of({})).toMatchObject({ detail: expect.stringMatching(/^approved_by is missing/) as string });
    for (const text of ['null', '1', '[]'])
      expect(reasonOf(received(text, structured))).toContain('invalid: type is missing');
  });

  it('reads of headers what structured events say in members', () => {
    const of = (headers: object) => decode(received(data, { ...binaryHeaders, ...headers }), options);
    const correction = { ce_type: 'fahuo.shipment.corrected.v1', ce_reason: 'wrong', ce_approvedby: 'li' };
    expect(of(correction)).toMatchObject({ event: { reason: 'wrong', approved_by: 'li' } });
    expect(of({})).toMatchObject({ traceparent: null });
    expect(of({ ce_traceparent: second })).toMatchObject({ traceparent: second });
    expect(of({ ce_traceparent: second, traceparent: first })).toMatchObject({ traceparent: first });
    expect(of({ 'content-type': 'application/json' })).toMatchObject({ kind: 'event' });
  });

  it('reads a version of one to nine digits from its header, and nothing that only looks like it', () => {
    const of = (ce_version: string) => reasonOf(received(data, { ...binaryHeaders, ce_version }));
    for (const version of ['1', '999999999']) expect(of(version)).toBe('event');
    for (const version of ['', ' 1', '1 ', '1x', 'x1', '1.0', '0x1', '-1', '0000000001', '1e0'])
      expect(of(version)).toContain('invalid: version is "');
  });

  it('passes over a byte order mark', () => {
    expect(reasonOf(received(`\ufeff${data}`))).toBe('event');
  });

  it('reads 262,144 bytes and not one more, and finds an empty value as good as none', () => {
    const sized = (length: number) => reasonOf(received(data.padEnd(length)));
    expect(sized(262_144 - (Buffer.byteLength(data) - data.length))).toBe('event');
    expect(reasonOf(received(Buffer.alloc(262_144, ' ')))).toContain('not JSON');
    expect(reasonOf(received(Buffer.alloc(262_145, ' ')))).toContain('262145 bytes: at most 262144');
    expect(reasonOf(received(''))).toBe('undecodable: the value is empty');
  });

  it('finds 33 levels too deep, and 32 only wrong', () => {
    const nested = (depth: number) => reasonOf(received(`${'['.repeat(depth)}${']'.repeat(depth)}`));
    expect(nested(32)).toMatch(/^invalid/);
    expect(nested(33)).toMatch(/^undecodable: the value is nested deeper than 32 levels/);
  });

  it('says what is known of a message before its value is looked at', () => {
    expect(reasonOf({ ...received(data), unreadable: 'the batch is damaged' })).toBe(
      'undecodable: the batch is damaged',
    );
  });

  it('makes a dead letter of what it stumbles over itself', () => {
    const stumbling = { ...received(data), headers: null as never };
    expect(reasonOf(stumbling)).toMatch(/^undecodable: the message cannot be read: /);
  });

  it('shows eighty characters of a type that it does not know', () => {
    const shown = reasonOf(received(data, { ...binaryHeaders, ce_type: 'x'.repeat(200) }));
    expect(shown).toContain(`type is "${'x'.repeat(79)}: must be fahuo.shipment.shipped.v1`);
  });

  it('names an event and a payment by 128 characters at most', () => {
    const of = (order_key: object) =>
      decode(
        received(JSON.stringify({ id: 'i'.repeat(200), data: { order_key } }), {
          'content-type': 'application/cloudevents+json',
        }),
        options,
      );
    expect(of({ transaction_id: 't'.repeat(200) })).toMatchObject({
      eventId: 'i'.repeat(128),
      payment: 't'.repeat(128),
    });
    expect(of({ mchid: 'm', out_trade_no: 'o'.repeat(200) })).toMatchObject({
      payment: `m:${'o'.repeat(126)}`,
    });
    expect(of({ mchid: 'm', out_trade_no: 1 })).toMatchObject({ payment: null });
  });

  it('masks phone numbers only where it is told to', () => {
    const open = data.replace('138****1234', '13812341234');
    expect(reasonOf(received(open))).toMatch(/must be masked/);
    expect(decode(received(open), { ...options, maskContacts: true, clock: systemClock })).toMatchObject({
      event: { data: { shipping_list: [{ contact: { receiver_contact: '138****1234' } }] } },
    });
  });

  it('freezes the body once, with its hash', () => {
    const decoded = decode(received(data), options);
    if (decoded.kind !== 'event') expect.unreachable();
    const upload = renderUpload(decoded);
    expect(JSON.parse(upload.body)).toEqual(shippedEvent().data);
    expect(upload.body).not.toContain('upload_time');
    expect(renderUpload(decoded)).toEqual(upload);
  });
});

describe('a row that the insert left out', () => {
  const upload = {
    event_id: 'e2',
    source: '/orders',
    appid: 'wx',
    payment: 'p',
    version: 2,
    kind: 'shipped',
    body_hash: 'h',
  } as NewUpload;
  const rival = (change: Partial<Rival>): Rival => ({
    appid: 'wx',
    payment: 'p',
    version: 2,
    kind: 'shipped',
    eventId: 'e2',
    source: '/orders',
    bodyHash: 'h',
    state: 'acknowledged',
    ...change,
  });

  it('is a duplicate when it is the same event, or the same version with the same content', () => {
    expect(judgeLeftOut(upload, [rival({})]).kind).toBe('duplicate');
    expect(judgeLeftOut(upload, [rival({ eventId: 'other' })]).kind).toBe('duplicate');
    const elsewhere = rival({ payment: 'q', bodyHash: 'x' });
    expect(judgeLeftOut(upload, [elsewhere, rival({ eventId: 'other' })]).kind).toBe('duplicate');
  });

  it('is a conflict when the version, or the event id, came with other content', () => {
    expect(judgeLeftOut(upload, [rival({ bodyHash: 'x' })])).toMatchObject({ reason: 'conflict' });
    expect(judgeLeftOut(upload, [rival({ eventId: 'other', bodyHash: 'x' })])).toMatchObject({
      reason: 'conflict',
    });
    expect(judgeLeftOut(upload, [rival({ payment: 'q' })])).toMatchObject({ reason: 'conflict' });
  });

  it('is a second correction otherwise', () => {
    const correction = { ...upload, kind: 'corrected' as const };
    expect(judgeLeftOut(correction, [rival({ eventId: 'c1', version: 1, kind: 'corrected' })])).toMatchObject(
      {
        reason: 'second_correction',
      },
    );
  });

  it('names the correction that stands, not one that failed', () => {
    const corrections = [
      rival({ eventId: 'failed', version: 1, kind: 'corrected', state: 'rejected' }),
      rival({ eventId: 'standing', version: 3, kind: 'corrected', state: 'parked' }),
    ];
    const judged = judgeLeftOut({ ...upload, event_id: 'e9', version: 9, kind: 'corrected' }, corrections);
    expect(judged).toMatchObject({
      reason: 'second_correction',
      detail: expect.stringContaining('standing') as unknown,
    });
  });
});

describe('cutting a batch', () => {
  it('keeps chunks below 500 rows and half a megabyte, and a huge message alone', () => {
    const small = Array.from({ length: 1_200 }, () => received('x'));
    expect(chunksOf(small).map((chunk) => chunk.length)).toEqual([500, 500, 200]);
    const large = [received('x'.repeat(900_000)), received('x'.repeat(500_000)), received('y')];
    expect(chunksOf(large).map((chunk) => chunk.length)).toEqual([1, 2]);
    const half = [received('x'.repeat(262_144)), received('x'.repeat(262_144)), received('y')];
    expect(chunksOf(half).map((chunk) => chunk.length)).toEqual([2, 1]);
    expect(chunksOf([])).toEqual([]);
  });
});
