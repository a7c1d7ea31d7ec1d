import type { Client, QueryResult } from 'pg';
import { connectAlone } from '../../db/client.ts';
import { FahuoError, messageOf } from '../errors.ts';
import { urlOf, type MakeDatabase, type Row, type ShopDatabase } from './shop-database.ts';

const applicationName = 'fahuo-demo';

export type MadeDatabase = { url: string; drop: () => Promise<void> };

/** @throws FahuoError PART_FAILED where the login may make no database. */
export async function makePostgresDatabase(make: MakeDatabase): Promise<MadeDatabase> {
  const onServer = async (statement: string): Promise<void> => {
    const client = await connectAlone(make.server, applicationName);
    await client.query(statement).finally(() => client.end());
  };
  await onServer(`create database ${make.name}`).catch((cause: unknown) => {
    throw new FahuoError('PART_FAILED', `the demo makes a database of its own: ${messageOf(cause)}`, {
      cause,
      remedy: 'Let DATABASE_URL name a login that may create databases, or unset it.',
    });
  });
  return { url: urlOf(make), drop: () => onServer(`drop database if exists ${make.name} with (force)`) };
}

export async function makePostgresShop(make: MakeDatabase): Promise<ShopDatabase> {
  const { url, drop } = await makePostgresDatabase(make);
  const client: Client = await connectAlone(url, applicationName).catch(async (error: unknown) => {
    await drop();
    throw error;
  });
  client.on('error', () => undefined); // the next statement says it
  return {
    url,
    run: async (statement) => {
      await client.query(statement);
    },
    rows: async (query) => (await client.query<Row>(query)).rows,
    shape: async () => {
      const { rows }: QueryResult<{ line: string }> = await client.query(shapeQuery);
      return rows.map(({ line }) => line);
    },
    drop: async () => {
      await client.end();
      await drop();
    },
  };
}

const shapeQuery = `
  with spaces as (select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema')
  select 'schema ' || nspname as line from spaces
  union all
  select 'table ' || c.oid::regclass from pg_class c join spaces s on s.oid = c.relnamespace where c.relkind in ('r', 'p')
  union all
  select concat_ws(' ', 'column', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      pg_get_expr(d.adbin, d.adrelid))
    from pg_attribute a
      join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
      join spaces s on s.oid = c.relnamespace
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped
  union all
  select 'index ' || pg_get_indexdef(i.indexrelid) from pg_index i
    join pg_class c on c.oid = i.indexrelid join spaces s on s.oid = c.relnamespace
  union all
  select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t where not t.tgisinternal
  union all
  select 'function ' || pg_get_functiondef(p.oid) from pg_proc p join spaces s on s.oid = p.pronamespace
  order by 1`;
