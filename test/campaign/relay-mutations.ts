/**
 * What the relay's campaign must notice: each switches one rule off without a line of the product changed.
 * `npm run campaign:relay -- --mutation no-frontier` has to end in FAILED.
 */
export type Mutation = {
  /** Run on the fresh database. */
  sql?: string;
  /** Of every session of the relay. */
  searchPath?: string;
  /** Text of a source file that a loader replaces in the relay's processes; it refuses to load when it is not there. */
  patch?: { file: string; from: string; to: string };
};

export const relayMutations: Readonly<Record<string, Mutation>> = {
  /** Nobody is seen to hold the outbox: `id > cursor` alone. A table of that name stands before the catalogue's. */
  'no-frontier': {
    sql: `create schema mutant;
      create view mutant.pg_locks as select * from pg_catalog.pg_locks where false;
      grant usage on schema mutant to public;
      grant select on mutant.pg_locks to public;`,
    searchPath: 'mutant,pg_catalog,public',
  },
  /** A send that was not acknowledged is taken for sent, and the next rows follow. */
  'no-resend': {
    patch: {
      file: 'src/relay/publish.ts',
      from: 'deps.metrics.relaySendFailures.inc();',
      to: 'if (Math.random() < 2) return { kind: "sent", count: plan.taken, entries: [] };',
    },
  },
  /** After a failure half of the batch is sent again, and the rest, and the first half once more: not identical, not in order. */
  'other-batch': {
    patch: {
      file: 'src/relay/publish.ts',
      from: 'deps.metrics.relaySendFailures.inc();',
      to: 'if (rows.length > 1) rows = [...rows].reverse();',
    },
  },
  /**
   * A leader that lost its lock may still move the cursor and write the journal. Alone it stays clean: the session that
   * held the lock is the one that moves the cursor, and Postgres has ended it. The epoch is the second belt.
   */
  'no-fence': {
    patch: {
      file: 'src/relay/cursor-store.ts',
      from: 'where shard = $1 and epoch = $2 and cursor = $3',
      to: 'where shard = $1 and $2::bigint is not null and $3::bigint is not null',
    },
  },
};
