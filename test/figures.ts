import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';

/**
 * Prints how long the functions and files of `src` and `db` are: `node test/figures.ts`. The longest are to be read
 * again; no check counts them.
 */
type Figure = { lines: number; where: string };

const files = globSync(['src/**/*.ts', 'db/**/*.ts']).toSorted();

const lengthOf = (text: string): number => text.trimEnd().split('\n').length;

function functionsOf(path: string): Figure[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Figure[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      found.push({ lines: lengthOf(node.getText()), where: `${path}:${line} ${nameOf(node)}` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function nameOf(node: ts.SignatureDeclaration): string {
  const named = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined);
  return named?.getText() ?? '(no name)';
}

const quantile = (sorted: readonly Figure[], part: number): number =>
  sorted[Math.ceil(sorted.length * part) - 1]?.lines ?? 0;

function show(title: string, figures: readonly Figure[]): void {
  const sorted = figures.toSorted((left, right) => left.lines - right.lines);
  const [median, p90] = [quantile(sorted, 0.5), quantile(sorted, 0.9)];
  const longest = sorted.slice(-10).toReversed();
  process.stdout.write(
    `${title}: ${figures.length}, median ${median}, p90 ${p90}, longest ${longest[0]?.lines ?? 0}\n`,
  );
  for (const { lines, where } of longest) process.stdout.write(`  ${lines} ${where}\n`);
}

show('functions', files.flatMap(functionsOf));
show(
  'files',
  files.map((path) => ({ lines: lengthOf(readFileSync(path, 'utf8')), where: path })),
);
