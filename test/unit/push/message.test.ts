import { describe, expect, it } from 'vitest';
import { readMessage, textIn, timeIn, wholeIn } from '../../../src/push/message.ts';

const members = (text: string) => {
  const message = readMessage(text);
  return message === null ? null : Object.fromEntries(message);
};

describe('a message', () => {
  it('is read from JSON and from XML alike', () => {
    const xml =
      '<xml><Event><![CDATA[debug_demo]]></Event>\n<CreateTime>1714037059</CreateTime><Empty></Empty></xml>\n';
    expect(members('{"Event":"debug_demo","CreateTime":1714037059}')).toEqual({
      Event: 'debug_demo',
      CreateTime: 1714037059,
    });
    expect(members(xml)).toMatchObject({ Event: 'debug_demo', CreateTime: '1714037059', Empty: '' });
    expect(members(`<?xml version="1.0"?>${xml}`)).toMatchObject({ Event: 'debug_demo' });
    expect(members(` \n${xml}`)).toMatchObject({ Event: 'debug_demo' });
    expect(members('<xml><A> b </A></xml>')).toEqual({ A: ' b ' });
  });

  it('keeps what CDATA holds as it is: marks, declarations, its own end', () => {
    const text = '<xml><A><![CDATA[<!DOCTYPE x> &lt; <b>]]></A><B><![CDATA[a]]]]><![CDATA[>b]]></B></xml>';
    expect(members(text)).toEqual({ A: '<!DOCTYPE x> &lt; <b>', B: 'a]]>b' });
  });

  it.each([
    ['nothing', ''],
    ['a word', 'success'],
    ['a list', '[{"Event":"x"}]'],
    ['null', 'null'],
    ['JSON that was cut', '{"Event":"debug_demo","CreateTi'],
    ['JSON a million deep', `{"a":${'['.repeat(1_000_000)}`],
    ['JSON 33 deep, and whole', `{"a":${'['.repeat(32)}${']'.repeat(32)}}`],
    ['XML that was cut', '<xml><Event><![CDATA[debug_demo]]></Event><CreateTi'],
    ['XML that was cut in CDATA', '<xml><Event><![CDATA[debug_de'],
    ['XML without its last tag', '<xml><Event>x</Event>'],
    ['XML of another root', '<html><body>x</body></html>'],
    ['two roots', '<xml><A>1</A></xml><xml><A>2</A></xml>'],
    ['a root of text', '<xml>success</xml>'],
    ['XML 50,000 deep', `${'<A>'.repeat(50_000)}</xml>`],
    ['a document type', '<!DOCTYPE xml><xml><Event>x</Event></xml>'],
    ['an external entity', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><A>&e;</A></xml>'],
    ['a document type in lower case', '<!doctype xml><xml><Event>x</Event></xml>'],
    [
      'a document type between comments that open and close CDATA',
      '<!-- <![CDATA[ --><!DOCTYPE x><!-- ]]> --><xml><A>1</A></xml>',
    ],
    ['a comment', '<xml><!-- x --><A>1</A></xml>'],
    ['2,001 tags', `<xml>${'<A/>'.repeat(1_999)}</xml>`],
    ['a name that JavaScript keeps for itself', '<xml><__proto__><x>1</x></__proto__></xml>'],
  ])('is none: %s', (_what, text) => {
    expect(readMessage(text)).toBeNull();
  });

  it('may have 32 levels and 2,000 tags', () => {
    expect(members(`{"a":${'['.repeat(31)}${']'.repeat(31)}}`)).not.toBeNull();
    expect(members(`<xml>${'<A/>'.repeat(1_998)}</xml>`)).not.toBeNull();
  });

  it('expands no entity: a billion laughs stay a text', () => {
    expect(members('<xml><A>&lol9;&amp;&#65;</A></xml>')).toEqual({ A: '&lol9;&amp;&#65;' });
  });

  // Eight times the text may take eight times as long, and not sixty-four: whatever the machine is doing.
  it.each<[string, (share: number) => string]>([
    ['brackets', (share) => '['.repeat(262_144 * share)],
    ['starts of CDATA', (share) => `<xml>${'<![CDATA['.repeat(29_000 * share)}</xml>`],
    ['CDATA within CDATA', (share) => `<xml>${'<![CDATA[]]>'.repeat(21_000 * share)}</xml>`],
    ['attributes', (share) => `<xml><A ${'a="b" '.repeat(40_000 * share)}/></xml>`],
    ['tags of one name', (share) => `<xml>${'<A>1</A>'.repeat(32_000 * share)}</xml>`],
    ['open angles', (share) => '<'.repeat(262_144 * share)],
    ['entities', (share) => `<xml><A>${'&lol;'.repeat(50_000 * share)}</A></xml>`],
  ])('takes no long time over 256 kB of %s', (_what, textOf) => {
    const shortestMs = (share: number): number => {
      const text = textOf(share);
      const times = Array.from({ length: 5 }, () => {
        const from = performance.now();
        readMessage(text);
        return performance.now() - from;
      });
      return Math.min(...times);
    };
    expect(shortestMs(1)).toBeLessThan(30 * Math.max(shortestMs(1 / 8), 0.5));
  });

  it('does not find what every object has', () => {
    expect(textIn(readMessage('{"a":1}')!, 'constructor')).toBeNull();
    expect(textIn(readMessage('{"__proto__":{"Event":"x"}}')!, 'Event')).toBeNull();
  });
});

describe('a member', () => {
  const message = (value: unknown) => readMessage(JSON.stringify({ value }))!;

  it('is a text, without blanks at its ends, or a whole number as text', () => {
    expect(textIn(message(' 4200001 '), 'value')).toBe('4200001');
    expect(textIn(message(1900000109), 'value')).toBe('1900000109');
    expect(textIn(message('x'.repeat(128)), 'value')).toHaveLength(128);
    for (const none of ['', ' ', 'x'.repeat(129), 1.5, 2 ** 53, true, null, ['a'], { a: 1 }])
      expect(textIn(message(none), 'value')).toBeNull();
    expect(textIn(message('x'), 'other')).toBeNull();
  });

  it('is storable whatever characters it has', () => {
    expect(textIn(message('a\u0000b'), 'value')).toBe('a\uFFFDb');
    expect(textIn(message('a\ud800'), 'value')).toBe('a\uFFFD');
  });

  it('is a whole number above zero, by number or by text', () => {
    expect(wholeIn(message(2), 'value')).toBe(2);
    expect(wholeIn(message('2'), 'value')).toBe(2);
    for (const none of [0, '0', '', -1, '-1', 1.5, '1.5', '0x10', 'x', '9'.repeat(16), null])
      expect(wholeIn(message(none), 'value')).toBeNull();
  });

  it('is a time in seconds; zero and an empty text are none', () => {
    const paid = new Date('2024-04-25T09:24:19Z');
    expect(timeIn(message(1714037059), 'value')).toEqual(paid);
    expect(timeIn(message('1714037059'), 'value')).toEqual(paid);
    expect(timeIn(message(253_402_300_799), 'value')).toEqual(new Date('9999-12-31T23:59:59Z'));
    for (const none of [0, '0', '', 253_402_300_800, 1714037059000000])
      expect(timeIn(message(none), 'value')).toBeNull();
  });
});
