/** At most `size` pieces of work at once. */
export type Slots = {
  free: () => number;
  busy: () => number;
  /** Runs `work` in a slot. It must not reject. */
  start: (work: () => Promise<void>) => void;
  /** Resolves when all have ended. */
  drained: () => Promise<void>;
};

export function createSlots(size: number, hooks: { onStart?: () => void; onEnd?: () => void }): Slots {
  const running = new Set<Promise<void>>();
  return {
    free: () => size - running.size,
    busy: () => running.size,
    start: (work) => {
      hooks.onStart?.();
      const done = work().finally(() => {
        running.delete(done);
        hooks.onEnd?.();
      });
      running.add(done);
    },
    drained: async () => {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
