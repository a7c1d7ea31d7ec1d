import type { Faults } from './check.ts';

/**
 * What the campaign must notice: each switches one guarantee off, by a trigger or a dropped index on the fresh
 * database, or by a text of a source file that is another one when it is loaded. `npm run campaign -- --mutation blind-resend` ends in FAILED.
 */
const beforeUpdate = (body: string): string => `
  create function campaign.mutate() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
  create trigger mutate before update on fahuo.upload for each row execute function campaign.mutate();`;

/** Text of a source file that a loader replaces in the processes; it refuses to load when it is not there. */
export type Patch = { file: string; from: string; to: string };

export type Mutation = {
  sql?: string;
  /** For guards that stand in a pure function. */
  patches?: readonly Patch[];
  /** What it must be caught by: any one of these, above zero. */
  caughtBy: readonly (keyof Faults)[];
  /** Shows only when processes die. */
  kills?: number;
};

export const mutations: Readonly<Record<string, Mutation>> = {
  /**
   * No read before a second write: an unknown outcome goes out again as if it were the first. The bytes are the same,
   * so WeChat forgives it, except where somebody has shipped the payment by hand meanwhile.
   */
  'blind-resend': {
    sql: beforeUpdate(`
    if new.state = 'unknown' then
      new.state := 'pending'; new.lease_owner := null; new.lease_until := null; new.attempts := 0;
      new.next_attempt_at := clock_timestamp() + interval '100 milliseconds';
    end if;`),
    caughtBy: ['reshipsWithoutCorrection'],
  },
  /** Two claims that meet on one payment both go through, and neither is asked afterwards. */
  'no-one-in-flight': {
    sql: `drop index fahuo.upload_one_in_flight`,
    patches: [
      {
        file: 'src/upload/claim-store.ts',
        from: 'if (rows.length === 0) return new Set();',
        to: 'return new Set();',
      },
    ],
    caughtBy: ['overtaken', 'orderViolations', 'reshipsWithoutCorrection'],
  },
  /** A lease runs out while its call is still on the wire. */
  'short-lease': {
    sql: beforeUpdate(`
    if new.state = 'uploading' then new.lease_until := clock_timestamp(); end if;`),
    caughtBy: ['overtaken'],
  },
  /** A lease never runs out: what a dead process held stays held. */
  'endless-lease': {
    sql: beforeUpdate(`
    if new.lease_until is not null then new.lease_until := 'infinity'; end if;`),
    kills: 4,
    caughtBy: ['lost'],
  },
  /** The body is rendered anew for a second attempt. */
  'thawed-body': {
    sql: beforeUpdate(`
    if new.state = 'uploading' and new.attempts > 1 then new.body := replace(new.body, '苹果', '梨'); end if;`),
    caughtBy: ['reshipsWithoutCorrection', 'effectsNotOne'],
  },
  /** upload_time is the time of the event, not of the send: never newer than the last one. */
  'old-upload-time': {
    sql: beforeUpdate(`
    if new.state = 'uploading' then new.upload_time := '2026-11-23T10:00:00+08:00'; end if;`),
    caughtBy: ['lost'],
  },
  /** Another delivery_mode or logistics_type is sent as a shipped event (wechat.md §1.1 b). */
  'mode-change-sent': {
    patches: [
      {
        file: 'src/upload/content.ts',
        from: `return { kind: 'other_kind', count };`,
        to: `return count === 0 ? { kind: 'open' } : { kind: 'finished', count };`,
      },
      {
        file: 'src/upload/decide-before-send.ts',
        from: 'if (siblings.otherKind) return',
        to: 'if (false) return',
      },
    ],
    caughtBy: ['reshipsWithoutCorrection'],
  },
  /** order_state 2 that does not say how often it was finished passes for open. */
  'state-2-is-open': {
    patches: [
      {
        file: 'src/upload/content.ts',
        from: 'return orderState === shippedState || shown !== null ? 1 : 0;',
        to: 'return 0;',
      },
    ],
    caughtBy: ['reshipsWithoutCorrection'],
  },
  /** What WeChat said of this payment before is not looked up: 10060002 and 10060003 hold for their own row and once. */
  'finished-forgotten': {
    patches: [
      {
        file: 'src/upload/siblings.ts',
        from: 'const codes = rows.flatMap((one) => one.finishedCodes);',
        to: 'const codes = [];',
      },
    ],
    caughtBy: ['sentThoughFinished'],
  },
  /** WeChat holds all parcels of ours and one more, which we took back: that passes for the same. */
  'dropped-is-held': {
    patches: [
      {
        file: 'src/upload/content.ts',
        from: 'shownParcels.every(',
        to: 'shownParcels.every(() => true) || shownParcels.every(',
      },
    ],
    caughtBy: ['effectsNotOne', 'heldOtherwise'],
  },
  /** What a read tells of a payment's two names is not put on record. */
  'two-payments': {
    patches: [
      {
        file: 'src/upload/alias.ts',
        from: `  const transactionId = order.transactionId`,
        to: `  if (Math.random() < 2) return null;\n  const transactionId = order.transactionId`,
      },
    ],
    caughtBy: ['bothKeysAtOnce', 'orderViolations', 'reshipsWithoutCorrection'],
  },
  /** A row under mchid:out_trade_no is sent like any other first one, without a read. */
  'no-first-read': {
    patches: [
      {
        file: 'src/upload/claim-store.ts',
        from: `or j.loose or strpos(u.payment, ':') > 0 or exists`,
        to: 'or j.loose or exists',
      },
    ],
    caughtBy: ['reshipsWithoutCorrection'],
  },
  /** An answer that the database refuses is tried again with all that came with it, for ever. */
  'odd-answer-blocks': {
    sql: `alter table fahuo.attempt add check (errcode between -2147483648 and 2147483647)`,
    patches: [
      {
        file: 'src/upload/halving.ts',
        from: `if (blameOf(error) === 'server') return`,
        to: `if (true) return`,
      },
    ],
    caughtBy: ['unrecorded', 'attemptsWithoutRecord'],
  },
};
