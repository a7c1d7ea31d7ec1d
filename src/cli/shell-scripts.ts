import type { Node } from './tree.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Each walks the words before the cursor down the tree, and offers what may follow; names of files otherwise. Pure. */
export const scripts: Record<Shell, (tree: readonly Node[]) => string> = { bash, zsh, fish };

/** `database show`: the path of the command, a space, the word that leads on. */
const steps = (tree: readonly Node[]): string[] =>
  tree.flatMap(({ path, commands }) => commands.map((name) => `${path} ${name}`));

const cases = (tree: readonly Node[], line: (words: string) => string): string =>
  tree.map(({ path, words }) => `    '${path}') ${line(words.join(' '))} ;;`).join('\n');

const alternatives = (tree: readonly Node[]): string =>
  steps(tree)
    .map((step) => `'${step}'`)
    .join(' | ');

function bash(tree: readonly Node[]): string {
  return `# fahuo completion bash
_fahuo() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" at='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${alternatives(tree)}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at" in
${cases(tree, (words) => `words='${words}'`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _fahuo fahuo`;
}

function zsh(tree: readonly Node[]): string {
  return `#compdef fahuo
# fahuo completion zsh
_fahuo() {
  local at='' i
  for ((i = 2; i < CURRENT; i++)); do
    case "$at $words[i]" in
      ${alternatives(tree)}) at="\${at:+$at }$words[i]" ;;
    esac
  done
  case "$at" in
${cases(tree, (words) => `compadd -- ${words}`)}
  esac
  _files
}
compdef _fahuo fahuo`;
}

function fish(tree: readonly Node[]): string {
  const offers = tree.map(
    ({ path, words }) => `complete -c fahuo -n "__fahuo_at '${path}'" -a '${words.join(' ')}'`,
  );
  return `# fahuo completion fish
function __fahuo_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${steps(tree)
        .map((step) => `'${step}'`)
        .join(' ')}
        set at (string trim -- "$at $word")
    end
  end
  test "$at" = "$argv[1]"
end
${offers.join('\n')}`;
}
