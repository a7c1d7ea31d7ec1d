import { createInterface } from 'node:readline/promises';
import { usage } from '../output.ts';

/** A person types the word on a terminal, or gave `--yes`. @throws FahuoError USAGE where neither happened. */
export async function confirm(
  given: boolean | undefined,
  { question, word }: { question: string; word: string },
): Promise<void> {
  if (given === true) return;
  if (!process.stdin.isTTY) throw usage(`${question} Give --yes to say so`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const typed = await terminal
    .question(`${question} Type ${word} to go on: `)
    .finally(() => terminal.close());
  if (typed.trim() !== word) throw usage('nothing was sent');
}
