import type { AdoptFaults } from './adopt-check.ts';
import type { Patch } from './mutations.ts';

/**
 * What the campaign of adopt must notice: each switches one rule off, by a text of a source file that is another one when it
 * is loaded. Some make a moment longer in which a crash, or somebody else, must fall: the rule holds however long it is, and
 * `slow-looks`, which does nothing else, stays clean.
 */
export type AdoptMutation = {
  patches: readonly Patch[];
  /** What it must be caught by: any one of these, above zero. Nothing: it must stay clean. */
  caughtBy: readonly (keyof AdoptFaults)[];
  /** These alone happen: what the rule is there for. */
  troubles?: readonly string[];
  /** The backfill is done before the writers begin: a later one would look at what the role has forgotten. */
  backfillFirst?: true;
};

const slowLook: Patch = {
  file: 'src/adopt/look-at.ts',
  from: 'const plan = await planFor(deps, keys, options);',
  to: 'const plan = await planFor(deps, keys, options); await new Promise((resolve) => setTimeout(resolve, 400));',
};

export const adoptMutations: Readonly<Record<string, AdoptMutation>> = {
  'slow-looks': { patches: [slowLook], caughtBy: [] },
  /** I1: touched rows are forgotten before what follows from them has committed. */
  'forget-first': {
    patches: [
      {
        file: 'src/adopt/run.ts',
        from: 'await lookAtAll(deps, uniqueKeys(',
        to: 'if (touched.length > 0) await shop.forgetTouched(touched.map(({ id }) => id)); await lookAtAll(deps, uniqueKeys(',
      },
      slowLook,
    ],
    caughtBy: ['lost'],
    troubles: ['kill-fahuo', 'kill-ours'],
    backfillFirst: true,
  },
  /** I2: what was said is saved after the transaction of the event that says it. */
  'said-apart': {
    patches: [
      {
        file: 'src/adopt/look-at.ts',
        from: 'const said = await sayEvents(tx, plan);',
        to: `const said = plan.events.length === 0 ? [] : await inTransaction((globalThis as any).adoptPool, (own) => sayEvents(own, plan));
          await new Promise((resolve) => setTimeout(resolve, 400));`,
      },
      {
        file: 'src/adopt/look-at.ts',
        from: 'const seen = await store.readWrites(deps.pool, deps.file.name);',
        to: '(globalThis as any).adoptPool = deps.pool; const seen = await store.readWrites(deps.pool, deps.file.name);',
      },
    ],
    caughtBy: ['eventsTwice'],
    troubles: ['kill-fahuo', 'kill-ours'],
    backfillFirst: true,
  },
  /** I3: parts are read before the touched rows that are forgotten with them. */
  'parts-first': {
    patches: [
      {
        file: 'src/adopt/run.ts',
        from: 'if (touched.length > 0) await shop.forgetTouched(touched.map(({ id }) => id));',
        to: `const looked = new Set(touched.map(keyName));
          const since = (await shop.takeTouched(20000, null)).filter((one) => looked.has(keyName(one)));
          if (touched.length > 0) await shop.forgetTouched(since.map(({ id }) => id));`,
      },
      slowLook,
    ],
    caughtBy: ['lost', 'proposalsMissing', 'otherParcels'],
    troubles: ['second-instance'],
    backfillFirst: true,
  },
  /** I4: parts that were read before somebody else's write are written all the same. */
  'no-overtaking': {
    patches: [
      {
        file: 'src/adopt/look-at.ts',
        from: 'if (await store.isOvertaken(tx, file.name, { names: payments, seen })) throw overtaken;',
        to: 'if (seen < 0) throw overtaken;',
      },
      slowLook,
    ],
    caughtBy: ['eventsTwice', 'proposalsUnasked', 'otherParcels'],
    troubles: ['another-backfill'],
  },
};
