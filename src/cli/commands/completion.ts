import { Argument, type Command } from 'commander';
import { answer } from '../output.ts';
import { scripts, shells, type Shell } from '../shell-scripts.ts';
import { readTree } from '../tree.ts';

const examples = `
Examples:
  $ fahuo completion bash > ~/.local/share/bash-completion/completions/fahuo
  $ fahuo completion zsh > "\${fpath[1]}/_fahuo"
  $ fahuo completion fish > ~/.config/fish/completions/fahuo.fish`;

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that lets your shell complete commands and options')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText('after', examples)
    .action((shell: Shell) => {
      answer(false, null, () => scripts[shell](readTree(program)));
    });
}
