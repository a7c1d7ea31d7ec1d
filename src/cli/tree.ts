import type { Command } from 'commander';

/** What may follow the words of a command: its path is `` for the program itself, `database show` for a command of it. */
export type Node = { path: string; commands: string[]; words: string[] };

/** Commander's own tree, so that no list of commands is kept beside it. Pure. */
export function readTree(program: Command): Node[] {
  const general = optionsOf(program).filter((option) => option !== '--version');
  const visit = (command: Command, path: string): Node[] => {
    const commands = command.commands.map((one) => one.name());
    const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
    const words = [...new Set([...commands, ...choices, ...optionsOf(command), ...general, '--help'])];
    return [
      { path, commands, words },
      ...command.commands.flatMap((one) => visit(one, `${path} ${one.name()}`.trim())),
    ];
  };
  return visit(program, '');
}

const optionsOf = (command: Command): string[] =>
  command.options.flatMap((option) => (option.long === undefined || option.hidden ? [] : [option.long]));
