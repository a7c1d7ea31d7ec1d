/** Of numbers in any order; `share` 0.5 is the median. NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

export const thousands = (value: number): string => Math.round(value).toLocaleString('en-US');

export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

export const row = (...cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;

export function head(...names: string[]): void {
  say(`\n${row(...names)}`);
  say(row(...names.map(() => '---')));
}
