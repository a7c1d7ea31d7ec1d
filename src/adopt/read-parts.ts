import { readPart, type Part } from './part.ts';
import type { AdoptFile } from './file.ts';
import type { Key, Shop } from './shop.ts';

/** What the parts query said of some keys. */
export type Looked = {
  parts: Part[];
  /** Keys of which nothing can be said: the query fails over them, or what it gives cannot be read. */
  failures: { key: Key; problem: string }[];
};
export type LookedAt = ({ kind: 'looked' } & Looked) | { kind: 'broken'; message: string };

export const keyName = ({ kind, ref }: Key): string => `${kind}\n${ref}`;

/**
 * The parts of these keys. A query that fails over them is halved until the culprits stand alone: one bad row of the shop
 * holds up no other order (P7).
 */
export async function readParts(
  shop: Pick<Shop, 'readParts'>,
  file: AdoptFile,
  keys: readonly Key[],
): Promise<LookedAt> {
  if (keys.length === 0) return { kind: 'looked', parts: [], failures: [] };
  const answer = await shop.readParts(keys);
  switch (answer.kind) {
    case 'broken':
      return answer;
    case 'rows':
      return { kind: 'looked', ...sort(answer.rows.map((row) => readPart(row, file))) };
    case 'failed': {
      const [only] = keys;
      if (only !== undefined && keys.length === 1)
        return { kind: 'looked', parts: [], failures: [{ key: only, problem: answer.message }] };
      const middle = Math.ceil(keys.length / 2);
      const left = await readParts(shop, file, keys.slice(0, middle));
      const right = await readParts(shop, file, keys.slice(middle));
      return left.kind === 'broken' ? left : right.kind === 'broken' ? right : merge(left, right);
    }
  }
}

function sort(read: readonly ReturnType<typeof readPart>[]): Looked {
  const parts = read.flatMap((one) => (one.kind === 'part' ? [one.part] : []));
  const failures = read.flatMap((one) =>
    one.kind === 'unreadable' ? one.keys.map((key) => ({ key, problem: one.problem })) : [],
  );
  return { parts: unique(parts), failures };
}

/** Two halves may both give a part of a payment that both touch. */
const merge = (left: Looked, right: Looked): LookedAt => ({
  kind: 'looked',
  parts: unique([...left.parts, ...right.parts]),
  failures: [...left.failures, ...right.failures],
});

const unique = (parts: readonly Part[]): Part[] => [
  ...new Map(
    parts.map((part) => [`${part.name}\n${part.trackingNo ?? ''}\n${part.payment ?? ''}`, part]),
  ).values(),
];
