/** The known word that a mistyped one was most likely meant to be; undefined where none is near. Pure. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let [best, bestDistance]: [string | undefined, number] = [undefined, Infinity];
  for (const candidate of known) {
    const apart = distance(word, candidate);
    if (apart < bestDistance && isNear(apart, Math.max(word.length, candidate.length)))
      [best, bestDistance] = [candidate, apart];
  }
  return best;
}

/** Three slips of the finger at most, and most of the word is right. */
const isNear = (apart: number, length: number): boolean => apart <= 3 && apart <= length * 0.4;

/** Letters that are missing, wrong, too many, or swapped with their neighbour. */
function distance(left: string, right: string): number {
  const rows = [Array.from({ length: right.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= left.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1];
      const swapped = left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      rows[i]?.push(
        Math.min(
          at(i - 1, j - 1) + (same ? 0 : 1),
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          swapped ? at(i - 2, j - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(left.length, right.length);
}
