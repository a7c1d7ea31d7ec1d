import type { Faults } from './check.ts';

/**
 * What the campaign must notice: each switches one guarantee off, by a trigger or a dropped index on the fresh
 * database and without a line of the product changed. `npm run campaign -- --mutation blind-resend` ends in FAILED.
 */
const beforeUpdate = (body: string): string => `
  create function campaign.mutate() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
  create trigger mutate before update on fahuo.upload for each row execute function campaign.mutate();`;

/** Text of a source file that a loader replaces in the processes; it refuses to load when it is not there. */
export type Patch = { file: string; from: string; to: string };

type Mutation = {
  sql?: string;
  patch?: Patch;
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
  /** Two claims that meet on one payment both go through. */
  'no-one-in-flight': {
    sql: `drop index fahuo.upload_one_in_flight`,
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
};
