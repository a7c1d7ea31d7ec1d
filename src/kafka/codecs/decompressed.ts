/** What came of a compressed text. Never more than the caller's limit is in memory, whatever the text promises. */
export type Decompressed =
  { kind: 'bytes'; bytes: Buffer } | { kind: 'too_large' } | { kind: 'broken'; detail: string };

export const broken = (detail: string): Decompressed => ({ kind: 'broken', detail });
export const tooLarge: Decompressed = { kind: 'too_large' };

/** A call into native code costs more than a short loop. */
const shortBytes = 32;

/** What stands `distance` bytes back, once more: where the two overlap, what was just written is read. */
export function repeat(target: Buffer, at: number, distance: number, length: number): void {
  if (distance >= length && length > shortBytes) target.copyWithin(at, at - distance, at - distance + length);
  else for (let index = at; index < at + length; index++) target[index] = target[index - distance] as number;
}

export function copyBytes(target: Buffer, at: number, source: Buffer, start: number, length: number): void {
  if (length > shortBytes) source.copy(target, at, start, start + length);
  else for (let index = 0; index < length; index++) target[at + index] = source[start + index] as number;
}
