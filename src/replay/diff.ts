/** A line of two texts: in both, in the first alone, or in the second alone. */
export type DiffLine = { kind: 'same' | 'removed' | 'added'; line: string };

/** The fewest lines removed and added that lead from `before` to `after`. Pure; for texts of some hundred lines. */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  const common = commonLengths(before, after);
  const lines: DiffLine[] = [];
  let [left, right] = [0, 0];
  while (left < before.length || right < after.length) {
    const [was, is] = [before[left], after[right]];
    if (was !== undefined && was === is) {
      lines.push({ kind: 'same', line: was });
      [left, right] = [left + 1, right + 1];
    } else if (
      is === undefined ||
      (was !== undefined && at(common, left + 1, right) >= at(common, left, right + 1))
    ) {
      lines.push({ kind: 'removed', line: was ?? '' });
      left += 1;
    } else {
      lines.push({ kind: 'added', line: is });
      right += 1;
    }
  }
  return lines;
}

const at = (table: readonly (readonly number[])[], left: number, right: number): number =>
  table[left]?.[right] ?? 0;

/** By where each text is cut: how many lines the rests have in common, in order. */
function commonLengths(before: readonly string[], after: readonly string[]): number[][] {
  const table = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (const [left, row] of [...table.entries()].reverse().slice(1))
    for (let right = after.length - 1; right >= 0; right--)
      row[right] =
        before[left] === after[right]
          ? at(table, left + 1, right + 1) + 1
          : Math.max(at(table, left + 1, right), at(table, left, right + 1));
  return table;
}

const marks = { same: '  ', removed: '- ', added: '+ ' } as const;
/** Lines in both that are shown around a change. */
const context = 2;

/** As people read it; empty when nothing was changed. Pure. */
export function renderDiff(lines: readonly DiffLine[]): string[] {
  const near = (index: number): boolean =>
    lines.slice(Math.max(0, index - context), index + context + 1).some(({ kind }) => kind !== 'same');
  return lines.flatMap(({ kind, line }, index) => (near(index) ? [`${marks[kind]}${line}`] : []));
}
