import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { functionsText } from '../../db/squash.ts';

/** Fails when `db/schema` or `db/functions` says something that no migration says. */
if (readFileSync('db/migrations/0001_functions_and_roles.sql', 'utf8') !== functionsText()) {
  console.error('db/functions differs from db/migrations: run `npm run db:squash` and commit what it wrote');
  process.exitCode = 1;
}

// Generation into a copy must add no file.
mkdirSync('.cache', { recursive: true }); // drizzle-kit takes relative folders only
const folder = mkdtempSync('.cache/drift-');
try {
  cpSync('db/migrations', join(folder, 'migrations'), { recursive: true });
  const before = readdirSync(join(folder, 'migrations')).length;
  const config = readFileSync('drizzle.config.ts', 'utf8')
    .replace("'./db/migrations'", JSON.stringify(`./${folder}/migrations`))
    .replace(/import .*\n/, '')
    .replace('defineConfig(', '(');
  writeFileSync(join(folder, 'drizzle.config.ts'), config);
  execFileSync(
    'npx',
    ['--no-install', 'drizzle-kit', 'generate', '--config', join(folder, 'drizzle.config.ts')],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const added = readdirSync(join(folder, 'migrations')).length - before;
  if (added > 0) {
    console.error('db/schema differs from db/migrations: run `npm run db:squash` and commit what it wrote');
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
