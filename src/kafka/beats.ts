/** How often a session is kept alive while a batch is handled. kafkajs sends every second of these: it keeps its own interval. */
const beatsASession = 10;

/**
 * However long the work takes, the group hears of this member: thrown out, it would get the same batch again. A rebalance
 * shows in the commit.
 */
export async function whileBeating(
  { heartbeat }: { heartbeat: () => Promise<void> },
  sessionTimeoutMs: number,
  work: () => Promise<void>,
): Promise<void> {
  const beat = (): void => void heartbeat().catch(() => undefined);
  const beats = setInterval(beat, sessionTimeoutMs / beatsASession);
  try {
    await work();
  } finally {
    clearInterval(beats);
  }
}
