/** Stands beside every offset that is committed, so that a group names the database that its messages went to. */
export const ownerMark = (database: string): string => `fahuo-database=${database}`;

const mark = /^fahuo-database=([0-9a-f-]{36})$/;

/** The databases that a group's commits name and that are neither `own` nor taken over. Pure; in order, each once. */
export function strangersOf(
  metadata: readonly string[],
  { own, taken }: { own: string; taken: readonly string[] },
): string[] {
  const named = metadata.flatMap((text) => mark.exec(text)?.[1] ?? []);
  return [...new Set(named)].filter((id) => id !== own && !taken.includes(id)).sort();
}
