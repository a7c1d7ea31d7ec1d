import { describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/carriers.ts';
import { chunksOf, judgeLeftOut } from '../../../src/consumer/batch.ts';
import { decode, isDeeperThan } from '../../../src/consumer/decode.ts';
import { renderUpload } from '../../../src/consumer/render.ts';
import type { Received } from '../../../src/kafka/message.ts';
import type { NewUpload, Rival } from '../../../src/upload/insert-store.ts';
import { shippedEvent } from '../../support/events.ts';

const options = { carriers: bundledCarriers(), maskContacts: false };
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
    ['no value', null, 'undecodable: the message has no value'],
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

  it('counts nesting', () => {
    expect([isDeeperThan('[[]]', 2), isDeeperThan('[[[]]]', 2), isDeeperThan('{}{}{}', 1)]).toEqual([
      false,
      true,
      false,
    ]);
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
    bodyHash: 'h',
    ...change,
  });

  it('is a duplicate when it is the same event, or the same version with the same content', () => {
    expect(judgeLeftOut(upload, [rival({})]).kind).toBe('duplicate');
    expect(judgeLeftOut(upload, [rival({ eventId: 'other' })]).kind).toBe('duplicate');
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
});

describe('cutting a batch', () => {
  it('keeps chunks below 500 rows and a megabyte, and a huge message alone', () => {
    const small = Array.from({ length: 1_200 }, () => received('x'));
    expect(chunksOf(small).map((chunk) => chunk.length)).toEqual([500, 500, 200]);
    const large = [received('x'.repeat(900_000)), received('x'.repeat(900_000)), received('y')];
    expect(chunksOf(large).map((chunk) => chunk.length)).toEqual([1, 2]);
    expect(chunksOf([])).toEqual([]);
  });
});
