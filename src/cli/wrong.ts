import { CommanderError, type Command } from 'commander';
import { FahuoError, remedyOf } from '../errors.ts';
import { exitCodes } from './output.ts';

export type Explained = { exitCode: number; lines: string[] };

/**
 * What a command that failed says: what is wrong and what to do. A wrong word has at most three lines: itself, the one
 * that was meant, and where the right ones stand. Throws what is a bug, for its stack.
 */
export function explain(error: unknown, program: Command, words: readonly string[]): Explained {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return { exitCode: exitCodes.done, lines: [] };
    // Help was asked for by saying nothing, and is printed.
    const said = error.code === 'commander.help' ? [] : wrongWord(error.message, program, words);
    return { exitCode: exitCodes.usage, lines: said };
  }
  if (!(error instanceof FahuoError)) throw error;
  if (error.code !== 'USAGE')
    return { exitCode: exitCodes.failed, lines: [`fahuo: ${error.message} (${error.code})`, error.remedy] };
  const lines =
    error.remedy === remedyOf('USAGE')
      ? wrongWord(error.message, program, words)
      : [`fahuo: ${error.message}`, error.remedy];
  return { exitCode: exitCodes.usage, lines };
}

function wrongWord(message: string, program: Command, words: readonly string[]): string[] {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n');
  return [
    `fahuo: ${what}`,
    ...(suggestion === undefined ? [] : [suggestion.replace(/^\((.*)\)$/, '$1')]),
    `\`${pathOf(program, words)} --help\` says what it takes.`,
  ];
}

/** The innermost command that the words name. */
function pathOf(program: Command, words: readonly string[]): string {
  const path = [program.name()];
  let command = program;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) continue;
    command = next;
    path.push(word);
  }
  return path.join(' ');
}
