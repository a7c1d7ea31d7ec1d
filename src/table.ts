import stringWidth from 'string-width';

/** What others wrote may have line ends in it, or words for the terminal. */
const cellOf = (value: string | number | null): string =>
  value === null ? '' : String(value).replaceAll(/\p{Cc}/gu, ' ');

/** Columns as wide as their widest cell on a terminal, where a Chinese character takes two places. */
export function table(rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = rows.map((row) => row.map(cellOf));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => stringWidth(row[column] ?? ''))),
  );
  const padded = (cell: string, column: number): string =>
    cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(cell)));
  return cells.map((row) => row.map(padded).join('  ').trimEnd()).join('\n');
}
