import type { z } from 'zod';
import type { MembersOf } from './problems.ts';

/** Adds an admin path that takes a body of one shape and answers what `run` returns. */
export type Post = <S extends z.ZodType>(
  path: string,
  shape: S,
  run: (input: z.output<S>) => object | Promise<object>,
  membersOf?: MembersOf,
) => void;
