import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { scripts, shells } from '../../../src/cli/shell-scripts.ts';
import { readTree } from '../../../src/cli/tree.ts';

const tree = readTree(await createProgram());

/** What a real bash offers behind these words, the last of which may be a beginning. */
function offered(...words: string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(' ');
  const script = `${scripts.bash(tree)}
COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _fahuo; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const answer = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  return answer.split('\n').filter((word) => word !== '');
}

describe('completion in bash', () => {
  it('offers commands, those of a command, and options, by what was begun', () => {
    expect(offered('fahuo', 'st')).toEqual(['status']);
    expect(offered('fahuo', 're')).toEqual(['replay', 'reconcile', 'resolve', 'resume', 'retire']);
    expect(offered('fahuo', 'database', '')).toEqual(
      expect.arrayContaining(['show', 'accept-older', 'take-group', '--help']),
    );
    expect(offered('fahuo', 'database', 'accept-older', '--e')).toEqual(['--execute', '--env-file']);
    expect(offered('fahuo', 'completion', '')).toEqual(expect.arrayContaining([...shells]));
  });

  it('is not led astray by a value that is named like a command', () => {
    expect(offered('fahuo', 'show', 'status', '--')).toEqual(['--json', '--env-file', '--help']);
  });

  it('knows options that stand before the command', () => {
    expect(offered('fahuo', '--env-file', 'x', 'replay', '--ear')).toEqual(['--earliest']);
  });
});

describe.each(shells)('the script for %s', (shell) => {
  it('names every command and option of the program', () => {
    const script = scripts[shell](tree);
    for (const { words } of tree) for (const word of words) expect(script).toContain(word);
  });
});
