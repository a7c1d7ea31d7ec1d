/**
 * What the campaign must notice: each switches one guarantee off, by a trigger on the fresh database and without a
 * line of the product changed. `npm run campaign -- --mutation blind-resend` has to end in FAILED. `thawed-body` alone
 * stays clean: a body is sent again only after two reads that do not show it, so the one rule covers for the other.
 */
const beforeUpdate = (body: string): string => `
  create function fahuo.mutate() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
  create trigger mutate before update on fahuo.upload for each row execute function fahuo.mutate();`;

export const mutations: Readonly<Record<string, string>> = {
  /** An unknown outcome is sent again with a changed text, unread: what a re-rendering retry does. */
  'blind-resend': beforeUpdate(`
    if new.state = 'unknown' then
      new.state := 'pending'; new.lease_owner := null; new.lease_until := null; new.next_attempt_at := now();
      new.body := replace(new.body, '苹果', '苹果 ' || new.attempts);
    end if;`),
  /** The body changes between two attempts. */
  'thawed-body': beforeUpdate(`
    if new.state = 'uploading' and new.attempts > 1 then new.body := replace(new.body, '苹果', '梨'); end if;`),
  /** upload_time is the time of the order, not of the send. */
  'old-upload-time': beforeUpdate(`
    if new.state = 'uploading' then new.upload_time := '2026-11-23T10:00:00+08:00'; end if;`),
  /** A crash leaves its row claimed for ever: leases never run out. */
  'endless-lease': beforeUpdate(`
    if new.lease_until is not null then new.lease_until := 'infinity'; end if;`),
  /** A payment's events are all in flight at once: the order check and the index are both gone. */
  'no-order': `drop index fahuo.upload_one_in_flight;
    create function fahuo.mutate() returns trigger language plpgsql as $$ begin
      new.payment := new.payment || '/' || new.version; return new; end $$;
    create trigger mutate before insert on fahuo.upload for each row execute function fahuo.mutate();`,
};
