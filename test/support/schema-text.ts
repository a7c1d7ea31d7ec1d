import type { Pool } from '../../db/client.ts';

const everything = `
  with ours as (select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'),
  relations as (select c.* from pg_class c join ours n on n.oid = c.relnamespace)
  select concat_ws(' ', 'schema', n.nspname, s.nspowner::regrole, s.nspacl, obj_description(n.oid, 'pg_namespace')) as line
    from ours n join pg_namespace s on s.oid = n.oid
  union all select concat_ws(' ', 'relation', c.oid::regclass, c.relkind, c.relpersistence, c.relowner::regrole, c.relacl,
      c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, pg_get_expr(c.relpartbound, c.oid),
      obj_description(c.oid, 'pg_class')) from relations c
  union all select concat_ws(' ', 'column', a.attrelid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
      a.attnotnull, a.attgenerated, a.attidentity, a.attacl, pg_get_expr(d.adbin, d.adrelid), a.attisdropped,
      col_description(a.attrelid, a.attnum))
    from pg_attribute a join relations c on c.oid = a.attrelid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attnum > 0
  union all select concat_ws(' ', 'constraint', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    from pg_constraint k join ours n on n.oid = k.connamespace
  union all select concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid)
    from pg_index i join relations c on c.oid = i.indrelid
  union all select concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), t.tgenabled)
    from pg_trigger t join relations c on c.oid = t.tgrelid where not t.tgisinternal
  union all select concat_ws(' ', 'function', pg_get_functiondef(p.oid), p.proowner::regrole, p.proacl)
    from pg_proc p join ours n on n.oid = p.pronamespace where p.prokind in ('f', 'p')
  union all select concat_ws(' ', 'policy', p.polrelid::regclass, p.polname, p.polcmd, pg_get_expr(p.polqual, p.polrelid))
    from pg_policy p
  union all select concat_ws(' ', 'rule', pg_get_ruledef(r.oid)) from pg_rewrite r join relations c on c.oid = r.ev_class
  union all select concat_ws(' ', 'type', t.oid::regtype, t.typtype, t.typacl)
    from pg_type t join ours n on n.oid = t.typnamespace
  union all select concat_ws(' ', 'sequence', s.seqrelid::regclass, s.seqstart, s.seqincrement, s.seqmax, s.seqcycle)
    from pg_sequence s join relations c on c.oid = s.seqrelid
  union all select concat_ws(' ', 'default rights', d.defaclrole::regrole, d.defaclacl) from pg_default_acl d
  union all select concat_ws(' ', 'event trigger', e.evtname) from pg_event_trigger e
  union all select concat_ws(' ', 'extension', e.extname) from pg_extension e
  order by 1`;

/** Every object of a database but Postgres' own, a line each: what pg_dump would write, from whatever server. */
export async function schemaText(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ line: string }>(everything);
  return rows.map(({ line }) => line).join('\n');
}
