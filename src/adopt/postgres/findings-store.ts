import type { Queryable } from '../../../db/client.ts';
import type { Relation } from './relation.ts';

export type ServerState = {
  version: number;
  standby: boolean;
  readOnly: boolean;
  login: string;
  database: string;
  /** May make the schema. */
  mayCreate: boolean;
};

export async function readServer(db: Queryable): Promise<ServerState> {
  const { rows } = await db.query<ServerState>(
    `select current_setting('server_version_num')::int as version, pg_is_in_recovery() as standby,
       current_setting('default_transaction_read_only')::bool as "readOnly", current_user::text as login,
       current_database()::text as database, has_database_privilege(current_database(), 'CREATE') as "mayCreate"`,
  );
  return rows[0] as ServerState;
}

export type TableState = {
  maySelect: boolean;
  /** Policies apply to the login: rows may be hidden from it. */
  rowSecurity: boolean;
  /** Children by inheritance, whose rows no trigger of this table sees. */
  children: boolean;
  /** Columns that an index, which holds all rows, begins with. */
  indexed: string[];
  /** Columns that the login may update. */
  updatable: string[];
};

export async function readTableState(db: Queryable, { oid }: Relation): Promise<TableState> {
  const { rows } = await db.query<TableState>(
    `select has_table_privilege(c.oid, 'SELECT') as "maySelect", row_security_active(c.oid) as "rowSecurity",
       c.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = c.oid) as children,
       array(select a.attname::text from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
             where i.indrelid = c.oid and i.indisvalid and i.indpred is null) as indexed,
       array(select a.attname::text from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
               and has_column_privilege(c.oid, a.attnum, 'UPDATE')) as updatable
     from pg_class c where c.oid = $1`,
    [oid],
  );
  return rows[0] ?? { maySelect: false, rowSecurity: false, children: false, indexed: [], updatable: [] };
}

/** Rights on our own tables that the login lacks. */
export async function readMissingRights(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ missing: string }>(
    `select r.privilege || ' on fahuo_adopt.' || r.name as missing
     from (values (1, 'touched', 'SELECT'), (2, 'touched', 'DELETE'), (3, 'answer', 'SELECT'), (4, 'answer', 'INSERT'),
       (5, 'answer', 'UPDATE')) r (place, name, privilege)
     join pg_class c on c.relname = r.name join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'fahuo_adopt'
     where not has_table_privilege(c.oid, r.privilege) or not has_schema_privilege(n.oid, 'USAGE')
     order by r.place`,
  );
  return rows.map(({ missing }) => missing);
}
