/** Half-open: `from` is read, `to` is not. */
export type OffsetRange = { partition: number; from: number; to: number };

/** Cuts ranges to what the topic still holds. */
export const clampRanges = (
  ranges: readonly OffsetRange[],
  available: readonly { partition: number; low: number; high: number }[],
): OffsetRange[] =>
  ranges.flatMap(({ partition, from, to }) => {
    const limits = available.find((one) => one.partition === partition);
    if (limits === undefined) return [];
    const clamped = { partition, from: Math.max(from, limits.low), to: Math.min(to, limits.high) };
    return clamped.from < clamped.to ? [clamped] : [];
  });
