import { createReadStream, readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { messageOf } from '../errors.ts';
import { noUtf8, utf8Text } from '../text.ts';
import { usage } from './output.ts';

export const nameOf = (file: string): string => (file === '-' ? 'standard input' : file);

/** The whole text of a file, or of standard input for `-`. @throws FahuoError USAGE where it cannot be read as UTF-8. */
export async function fileText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = file === '-' ? await buffer(process.stdin) : readFileSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  const text = utf8Text(bytes);
  if (text === null) throw usage(`${nameOf(file)} ${noUtf8}`);
  return text;
}

/** The same line by line, for files that are larger than memory; lines count from 1, and blank ones are passed over. */
export async function* fileLines(file: string): AsyncGenerator<{ line: string; number: number }> {
  let number = 0;
  let rest = '';
  for await (const text of textParts(file)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      number += 1;
      if (line.trim() !== '') yield { line, number };
    }
  }
  if (rest.trim() !== '') yield { line: rest, number: number + 1 };
}

async function* textParts(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const bytes of file === '-' ? process.stdin : createReadStream(file))
      yield decoder.decode(bytes as Buffer, { stream: true });
    yield decoder.decode();
  } catch (error) {
    throw error instanceof TypeError ? usage(`${nameOf(file)} ${noUtf8}`) : unreadable(file, error);
  }
}

const unreadable = (file: string, error: unknown): Error =>
  usage(`${nameOf(file)} cannot be read: ${messageOf(error)}`);
