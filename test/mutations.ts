import { spawnSync } from 'node:child_process';
import { pureFiles } from './pure-files.ts';

/**
 * `npm run test:mutations -- PATH …`: changes the file in small ways and counts which changes no unit test notices; every
 * pure file where no path is given. Texts are left alone: what a kind is called is held by the types, and what a person
 * reads is no branch.
 */
const wanted = process.argv.slice(2);
const { status } = spawnSync(
  'stryker',
  ['run', '.config/stryker.json', '--mutate', (wanted.length > 0 ? wanted : pureFiles).join(',')],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
