import { randomBytes } from 'node:crypto';
import { connectAlone, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { invertedPrefix } from './plan.ts';

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

const longestWaitMs = 1_500;
const widenedSeconds = 0.6;

/**
 * Time in short: no row waits longer than it must for the test. And a claim of an inverted payment takes long enough
 * for another claim to meet it; with upload_one_in_flight in place that harms nobody.
 */
const hastened = `
  create function campaign.hasten() returns trigger language plpgsql as $$
  begin
    if new.state = 'pending' then
      new.next_attempt_at := least(new.next_attempt_at, clock_timestamp() + interval '${longestWaitMs} milliseconds');
    end if;
    if new.state = 'uploading' and old.state = 'pending' and new.payment like '${invertedPrefix}%' then
      perform pg_sleep(${widenedSeconds});
    end if;
    return new;
  end $$;
  create trigger campaign_hasten before update on fahuo.upload for each row execute function campaign.hasten();`;

export type CampaignDatabase = { url: string; drop: () => Promise<void> };

export async function createDatabase(
  server: string,
  mutation: string | undefined,
): Promise<CampaignDatabase> {
  const name = `fahuo_campaign_${randomBytes(4).toString('hex')}`;
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).toString();
  await runOn(server, `create database ${name}`);
  await runOn(url, steppedClock);
  await runOn(server, `alter database ${name} set search_path = campaign, pg_catalog`);
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
