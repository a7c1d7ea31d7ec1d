import { describe, expect, it } from 'vitest';
import { formatUploadTime, parseUploadTime, withUploadTime } from '../../../src/wechat/render.ts';
import { createRandom } from '../../support/random.ts';

const at = new Date('2022-12-15T05:29:35.120Z');
const member = '"upload_time":"2022-12-15T13:29:35.120+08:00"';

describe('upload_time', () => {
  it.each([
    ['2022-12-15T05:29:35.120Z', '2022-12-15T13:29:35.120+08:00'],
    ['2026-11-22T16:00:00Z', '2026-11-23T00:00:00.000+08:00'],
    ['2026-12-31T20:00:00.007Z', '2027-01-01T04:00:00.007+08:00'],
    ['2028-02-28T23:59:59.999Z', '2028-02-29T07:59:59.999+08:00'],
  ])('of %s is written in Beijing time with three digits: %s', (instant, text) => {
    expect(formatUploadTime(new Date(instant))).toBe(text);
  });

  it('is read back to the same millisecond, and sorts as text as it does in time', () => {
    const random = createRandom(1);
    const instants = Array.from({ length: 500 }, () => Math.floor(random() * 4e12)).toSorted((a, b) => a - b);
    const texts = instants.map((ms) => formatUploadTime(new Date(ms)));
    expect(texts.map((text) => parseUploadTime(text)?.getTime())).toEqual(instants);
    expect(texts.toSorted()).toEqual(texts);
  });

  it.each([
    '',
    '2022-12-15T13:29:35+08:00',
    '2022-12-15T13:29:35.120Z',
    '2022-12-15T13:29:35.120+0800',
    '2022-12-15T13:29:35.120 08:00',
    '2022-12-15 13:29:35.120+08:00',
    '2022-12-15T13:29:35.120456+08:00',
    '2022-12-15T13:29:35.120+09:00',
    '2022-13-15T13:29:35.120+08:00',
    '2022-12-15T25:29:35.120+08:00',
    '2022-02-30T13:29:35.120+08:00',
    '2022-12-15T24:00:00.000+08:00',
    ' 2022-12-15T13:29:35.120+08:00',
    '2022-12-15T13:29:35.120+08:00\n',
  ])('is not read from %j, which is never written', (text) => {
    expect(parseUploadTime(text)).toBeNull();
  });
});

describe('the body that is sent', () => {
  it('is the frozen one, every character kept, with the time as its last member', () => {
    const frozen = '{ "b":1.0,\n "a" : {"x":"}"},"t":"\\u5c0f 🍌 }"  }';
    expect(withUploadTime(frozen, at)).toBe(`${frozen.slice(0, -1)},${member}}`);
  });

  it('keeps the blanks after the last brace', () => {
    expect(withUploadTime('{"a":1}\n', at)).toBe(`{"a":1,${member}}\n`);
  });

  it.each(['{}', '{ }', ' {\n} '])('is an object with one member for the empty object %j', (frozen) => {
    expect(JSON.parse(withUploadTime(frozen, at))).toEqual({ upload_time: formatUploadTime(at) });
  });

  it('differs between two attempts in the time alone', () => {
    const frozen = JSON.stringify({ order_key: { order_number_type: 2 }, payer: { openid: 'o' } });
    const later = new Date(at.getTime() + 1);
    const [first, second] = [withUploadTime(frozen, at), withUploadTime(frozen, later)];
    expect(first).not.toBe(second);
    expect(second.replace(formatUploadTime(later), formatUploadTime(at))).toBe(first);
  });

  it.each(['', 'null', '{"a":1', '}'])('refuses %j as a bug', (frozen) => {
    expect(() => withUploadTime(frozen, at)).toThrow(expect.objectContaining({ code: 'INVARIANT' }));
  });
});
