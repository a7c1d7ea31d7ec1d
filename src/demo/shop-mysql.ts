import { createConnection, type Connection } from 'mysql2/promise';
import { readMysqlUrl } from '../adopt/mysql/url.ts';
import { FahuoError, messageOf } from '../errors.ts';
import { urlOf, type MakeDatabase, type Row, type ShopDatabase } from './shop-database.ts';

/** @throws FahuoError PART_FAILED where the login may make no database. */
export async function makeMysqlShop(make: MakeDatabase): Promise<ShopDatabase> {
  const connection: Connection = await createConnection({
    ...readMysqlUrl(make.server),
    charset: 'utf8mb4',
    typeCast: (field) => field.string('utf8'),
  });
  try {
    await connection.query(`create database ${make.name} character set utf8mb4`);
    await connection.query(`use ${make.name}`);
  } catch (cause) {
    connection.destroy();
    throw new FahuoError('PART_FAILED', `the demo makes a database of its own: ${messageOf(cause)}`, {
      cause,
      remedy: 'Let MYSQL_URL name a login that may create databases, or unset it.',
    });
  }
  const rows = async (query: string): Promise<Row[]> => {
    const [found] = await connection.query(query);
    return found as Row[];
  };
  return {
    url: urlOf(make),
    run: async (statement) => {
      await connection.query(statement);
    },
    rows,
    shape: async () => (await rows(shapeQuery)).map(({ line }) => line ?? ''),
    drop: async () => {
      await connection.query(`drop database if exists ${make.name}`);
      await connection.end();
    },
  };
}

/** The counter of the next id is left out: orders come meanwhile. */
const shapeQuery = `
  select concat_ws(' ', 'table', table_name, engine, table_collation, table_comment) as line
    from information_schema.tables where table_schema = database()
  union all
  select concat_ws(' ', 'column', table_name, ordinal_position, column_name, column_type, is_nullable, column_default, extra)
    from information_schema.columns where table_schema = database()
  union all
  select concat_ws(' ', 'index', table_name, index_name, non_unique, group_concat(column_name order by seq_in_index))
    from information_schema.statistics where table_schema = database() group by table_name, index_name, non_unique
  union all
  select concat_ws(' ', 'trigger', trigger_name, event_object_table, action_timing, event_manipulation, action_statement)
    from information_schema.triggers where trigger_schema = database()
  union all
  select concat_ws(' ', 'function', routine_name, routine_definition)
    from information_schema.routines where routine_schema = database()
  order by 1`;
