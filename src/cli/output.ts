import { FahuoError } from '../errors.ts';

/** The answer goes to stdout, logs to stderr; with --json exactly one JSON value a line. */
export function answer(json: boolean | undefined, value: unknown, text: () => string): void {
  process.stdout.write(json === true ? `${JSON.stringify(value)}\n` : `${text()}\n`);
}

/** Stable exit codes, which scripts rely on. */
export const exitCodes = { done: 0, failed: 1, usage: 2, nothingMatched: 3 } as const;

export const usage = (message: string): FahuoError => new FahuoError('USAGE', message);

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (cell === null ? '' : String(cell))));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(exitCodes.failed);
      stop.abort();
    });
  return stop.signal;
}
