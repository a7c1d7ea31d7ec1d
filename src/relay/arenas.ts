import type { Arena } from './row-store.ts';

/** A batch of ordinary rows; it grows where rows are large. */
const arenaBytes = 2_097_152;
const maxKeptBytes = 16_777_216;

const createArena = (): Arena => ({ bytes: Buffer.allocUnsafe(arenaBytes) });

/**
 * Three arenas that take turns: one is read into while the rows of another are on the wire and those of the third wait
 * for the wire. Gives the one that was read into longest ago; one that large rows have made large is left to the garbage.
 */
export function createArenas(): () => Arena {
  const arenas = [createArena(), createArena(), createArena()];
  return () => {
    const oldest = arenas.shift();
    const arena = oldest === undefined || oldest.bytes.length > maxKeptBytes ? createArena() : oldest;
    arenas.push(arena);
    return arena;
  };
}
