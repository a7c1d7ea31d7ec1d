import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `npm run build`: what the package runs, in `dist`. Nothing of an earlier build stays. */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** What the sources read beside themselves at run time; tsc does not carry it. */
const data = ['src/**/*.{tsv,json,xml,sql,yaml}', 'db/migrations/*.sql', 'db/migrations/meta/_journal.json'];

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const compile = (...flags: string[]): void =>
  void execFileSync(process.execPath, [tsc, '-p', '.config/tsconfig.build.json', ...flags], {
    cwd: root,
    stdio: 'inherit',
  });
// Comments are for importers, in the declarations; in the code they would be a fifth of the package.
compile('--emitDeclarationOnly');
compile('--declaration', 'false', '--removeComments');
for (const file of globSync(data, { cwd: root })) cpSync(join(root, file), join(dist, file));
keepPublicTypes();

/** Types are for importers: a declaration that no export leads to is left out. */
function keepPublicTypes(): void {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  const kept = new Set<string>();
  for (const target of Object.values(exports))
    if (typeof target !== 'string') follow(join(root, target.types), kept);
  for (const file of globSync('**/*.d.ts', { cwd: dist }))
    if (!kept.has(join(dist, file))) rmSync(join(dist, file));
}

function follow(file: string, kept: Set<string>): void {
  if (kept.has(file)) return;
  kept.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, path] of text.matchAll(/'(\.[^']+)\.ts'/g)) follow(join(dirname(file), `${path}.d.ts`), kept);
  writeFileSync(file, text.replaceAll(/'(\.[^']+)\.ts'/g, "'$1.js'")); // tsc rewrites them in code alone
}
