import { describe, expect, it } from 'vitest';
import type { Received } from '../../../src/kafka/message.ts';
import { bodyOf, readMessage } from '../../../src/webhook/message.ts';

const value = '{ "payment": "4200001",  "text": "苹果" }';
const received = (head: Record<string, string> = {}, rest: Partial<Received> = {}): Received => ({
  ...{ topic: 't', partition: 0, offset: 0, key: Buffer.from('wx1/4200001'), value: Buffer.from(value) },
  headers: Object.fromEntries(
    Object.entries({
      ce_id: 'ack-2',
      ce_type: 'fahuo.shipment.acknowledged.v1',
      ce_time: '2026-11-29T21:37:16.534Z',
      ce_appid: 'wx1',
      ...head,
    }).map(([name, text]) => [name, Buffer.from(text)]),
  ),
  ...rest,
});
const answerIn = (message: Received) => {
  const read = readMessage(message);
  return read.kind === 'answer' ? read.answer : undefined;
};

const withoutAppid = received({}, { key: Buffer.from('null/4200001') });
Reflect.deleteProperty(withoutAppid.headers, 'ce_appid');

describe('an answer', () => {
  it('has the names of its message, and its text byte for byte', () => {
    expect(answerIn(received())).toEqual({
      webhookId: expect.stringMatching(/^ack-2-[0-9a-f]{16}$/) as string,
      type: 'fahuo.shipment.acknowledged.v1',
      eventTime: '2026-11-29T21:37:16.534Z',
      appid: 'wx1',
      payment: '4200001',
      data: value,
    });
  });

  it('keeps its id when it comes again, and has another with another text or time', () => {
    const own = answerIn(received())?.webhookId;
    expect(answerIn(received({}, { offset: 9, partition: 2 }))?.webhookId).toBe(own);
    expect(answerIn(received({}, { value: Buffer.from(`${value} `) }))?.webhookId).not.toBe(own);
    expect(answerIn(received({ ce_time: '2026-11-29T21:37:16.535Z' }))?.webhookId).not.toBe(own);
  });

  it('may have a merchant key, and a type that nobody here knows', () => {
    const other = received({ ce_type: 'fahuo.new.v9' }, { key: Buffer.from('wx1/19000:ORDER-1/2') });
    expect(answerIn(other)).toMatchObject({ type: 'fahuo.new.v9', payment: '19000:ORDER-1/2' });
  });

  it('is posted as type, timestamp and data', () => {
    const body = bodyOf(answerIn(received())!);
    expect(body).toBe(
      `{"type":"fahuo.shipment.acknowledged.v1","timestamp":"2026-11-29T21:37:16.534Z","data":${value}}`,
    );
    expect(JSON.parse(body)).toMatchObject({ data: { payment: '4200001' } });
  });

  it.each([
    ['ce_id', received({ ce_id: 'a b' })],
    ['ce_type', received({ ce_type: '' })],
    ['ce_id, ce_type and ce_time', received({}, { headers: {} })],
    ['ce_appid/payment', withoutAppid],
    ['ce_time', received({ ce_time: 'x'.repeat(257) })],
    ['ce_appid/payment', received({ ce_appid: 'wx2' })],
    ['ce_appid/payment', received({}, { key: null })],
    ['ce_appid/payment', received({}, { key: Buffer.alloc(513, 'wx1/') })],
    ['JSON object', received({}, { value: null })],
    ['JSON object', received({}, { value: Buffer.from('"text"') })],
    ['JSON object', received({}, { value: Buffer.from('null') })],
    ['JSON object', received({}, { value: Buffer.from('{') })],
    ['JSON object', received({}, { value: Buffer.from(`{"a":"${'x'.repeat(1_048_569)}"}`) })],
  ])('is not what lacks %s', (lacks, message) => {
    expect(readMessage(message)).toMatchObject({
      kind: 'passed_over',
      why: expect.stringContaining(lacks) as string,
    });
  });

  it('may have names of 512 bytes', () => {
    expect(readMessage(received({}, { key: Buffer.from(`wx1/${'p'.repeat(508)}`) })).kind).toBe('answer');
    expect(readMessage(received({}, { key: Buffer.from(`wx1/${'p'.repeat(509)}`) })).kind).toBe(
      'passed_over',
    );
  });

  it('may be a megabyte', () => {
    const large = received({}, { value: Buffer.from(`{"a":"${'x'.repeat(1_048_568)}"}`) });
    expect(readMessage(large).kind).toBe('answer');
  });
});
