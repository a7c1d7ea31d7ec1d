import { describe, expect, it } from 'vitest';
import { splitCommand } from '../../../src/wechat/command-words.ts';

const words = (...of: string[]) => ({ kind: 'words', words: of });

describe('a command line', () => {
  it('is split at blanks, and quotes keep blanks together', () => {
    expect(splitCommand('/opt/token')).toEqual(words('/opt/token'));
    expect(splitCommand('  /opt/token \t wx1\n')).toEqual(words('/opt/token', 'wx1'));
    expect(splitCommand(`/opt/token 'a b' "c 'd'" e"f g"h ''`)).toEqual(
      words('/opt/token', 'a b', "c 'd'", 'ef gh', ''),
    );
    expect(splitCommand('curl "http://t/?a=1&b=$x" {appid}')).toEqual(
      words('curl', 'http://t/?a=1&b=$x', '{appid}'),
    );
  });

  it.each(Array.from('|&;<>$`\\*?~'))('is refused where %s would need a shell', (character) => {
    expect(splitCommand(`cat token ${character} x`)).toMatchObject({
      kind: 'wrong',
      why: expect.stringContaining(`holds ${character},`) as string,
    });
  });

  it('is refused where it ends inside of a quote, or names no program', () => {
    expect(splitCommand(`cat "a`)).toEqual({ kind: 'wrong', why: 'has a " that does not end' });
    expect(splitCommand(`cat 'a"`)).toEqual({ kind: 'wrong', why: "has a ' that does not end" });
    for (const line of ['', '  ', "''", '"" x'])
      expect(splitCommand(line)).toEqual({ kind: 'wrong', why: 'names no program' });
  });
});
