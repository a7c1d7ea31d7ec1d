import { randomBytes } from 'node:crypto';
import { connectAlone, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { agedPrefix, invertedPrefix } from './plan-kinds.ts';

/**
 * A database whose clock the campaign can step: its own now() and clock_timestamp() stand before the system's for
 * every statement that does not name a schema, the stores' included, and for the defaults that the migrations make.
 */
const steppedClock = `
  create schema campaign;
  create table campaign.step (ms double precision not null);
  insert into campaign.step values (0);
  create function campaign.now() returns timestamptz language sql stable as
    $$ select pg_catalog.now() + (select ms from campaign.step) * interval '1 millisecond' $$;
  create function campaign.clock_timestamp() returns timestamptz language sql volatile as
    $$ select pg_catalog.clock_timestamp() + (select ms from campaign.step) * interval '1 millisecond' $$;`;

const path = 'campaign,pg_catalog';
const longestWaitMs = 1_500;
const looks = 80;

/**
 * Time in short: no row waits longer than it must for the test. And the claim of an inverted payment's newer event
 * goes on until the older one is there, and a moment longer; the older one's claim, which meets it, lasts longer
 * still. With upload_one_in_flight in place that harms nobody: one of the two claims fails. And where WeChat said
 * "finished" and no read shows it, the day of reading is over at once: the row is parked, for an operator to retry.
 */
const hastened = `
  create function campaign.hasten() returns trigger language plpgsql as $$
  begin
    if new.state = 'pending' then
      new.next_attempt_at := least(new.next_attempt_at, clock_timestamp() + interval '${longestWaitMs} milliseconds');
    end if;
    return new;
  end $$;
  create trigger campaign_hasten before update on fahuo.upload for each row execute function campaign.hasten();
  create function campaign.hold() returns trigger language plpgsql as $$
  begin
    if new.version = 1 then
      perform pg_sleep(0.5);
      return new;
    end if;
    for look in 1..${looks} loop
      if exists (select 1 from fahuo.upload o where o.payment = new.payment and o.version < new.version) then
        perform pg_sleep(0.4);
        return new;
      end if;
      perform pg_sleep(0.05);
    end loop;
    return new;
  end $$;
  create trigger campaign_hold before update on fahuo.upload for each row
    when (new.state = 'uploading' and old.state = 'pending' and new.attempts = 1 and new.payment like '${invertedPrefix}%')
    execute function campaign.hold();
  create function campaign.age() returns trigger language plpgsql as $$
  begin
    new.state := 'parked'; new.park_reason := 'unreadable'; new.lease_owner := null; new.lease_until := null;
    new.next_attempt_at := 'infinity';
    return new;
  end $$;
  create trigger campaign_age before update on fahuo.upload for each row
    when (new.state = 'unknown' and new.errcode in (10060002, 10060003) and new.payment like '${agedPrefix}%')
    execute function campaign.age();`;

export type CampaignDatabase = { url: string; drop: () => Promise<void> };

export async function createDatabase(
  server: string,
  mutation: string | undefined,
): Promise<CampaignDatabase> {
  const name = `fahuo_campaign_${randomBytes(4).toString('hex')}`;
  // fahuo's own sessions take no path from the database: the URL says it to them.
  const search = new URLSearchParams({ options: `-c search_path=${path}` }).toString();
  const url = Object.assign(new URL(server), { pathname: `/${name}`, search }).toString();
  await runOn(server, `create database ${name}`);
  await runOn(url, steppedClock);
  await runOn(server, `alter database ${name} set search_path = ${path}`);
  await migrate(url);
  await runOn(url, hastened);
  if (mutation !== undefined) await runOn(url, mutation);
  return { url, drop: () => runOn(server, `drop database ${name} with (force)`) };
}

async function runOn(url: string, statements: string): Promise<void> {
  const client = await connectAlone(url, 'campaign');
  await client.query(statements).finally(() => client.end());
}

/** How far the database's clock is off, from now on. */
export async function stepClock(pool: Pool, ms: number): Promise<void> {
  await pool.query('update campaign.step set ms = $1', [ms]);
}
