import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { FahuoError, messageOf } from '../../errors.ts';
import { envText, neededNames } from '../../roles/env-text.ts';
import { defaultEnvFile } from '../env-file.ts';
import { answer } from '../output.ts';

export function addInit(program: Command): void {
  program
    .command('init')
    .description('write a .env with every setting into this folder, to be filled in; overwrites nothing')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo init && $EDITOR .env && fahuo doctor')
    .action(({ json }: { json?: boolean }) => {
      write(defaultEnvFile);
      answer(json, { written: defaultEnvFile, needed: neededNames }, () =>
        [
          `${defaultEnvFile} is written. Fill in ${neededNames.join(', ')}; the rest has defaults.`,
          'It will hold secrets: keep it out of version control. Then run `fahuo doctor`.',
        ].join('\n'),
      );
    });
}

/** For its owner alone, since secrets will stand in it. */
function write(path: string): void {
  try {
    writeFileSync(path, envText(), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw new FahuoError('FILE_NOT_WRITTEN', `${path} is not written: ${messageOf(cause)}`, { cause });
  }
}
