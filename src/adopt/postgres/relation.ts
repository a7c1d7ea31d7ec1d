/** A table of the shop, as its catalog describes it. */
export type Relation = {
  oid: number;
  schema: string;
  name: string;
  /** `pg_class.relkind`: r is a table, p a partitioned one. */
  kind: string;
  /** The login owns it, or is a member of its owner. */
  owned: boolean;
  columns: readonly Column[];
  primaryKey: readonly string[];
};

export type Column = {
  name: string;
  /** Of the type below a domain, without a length: `bigint`, `character varying`, `public.geometry`. */
  type: string;
  /** What a value is cast to: with its length, or the domain. */
  castType: string;
  nullable: boolean;
  isEnum: boolean;
  /** Computed when it is read (Postgres 18): a trigger's function finds null there. */
  isVirtual: boolean;
};

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const nameOf = ({ schema, name }: Pick<Relation, 'schema' | 'name'>): string =>
  `${quoted(schema)}.${quoted(name)}`;

/** Never an escape, whatever `standard_conforming_strings` is. */
export const literal = (text: string): string =>
  text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;

/** As it is spelled; in lower case, as Postgres reads it without quotes, where nothing is spelled so. */
export const columnOf = ({ columns }: Pick<Relation, 'columns'>, name: string): Column | undefined =>
  columns.find((column) => column.name === name) ??
  columns.find((column) => column.name === name.toLowerCase());

/** The spellings of a table's name for `to_regclass`, in this order. */
export const spellingsOf = (table: string): string[] => {
  const spelled = (text: string): string => text.split('.').map(quoted).join('.');
  return [...new Set([spelled(table), spelled(table.toLowerCase())])];
};

/** Types whose `=` is the system's own and never fails. */
const withEquality = new Set([
  'smallint',
  'integer',
  'bigint',
  'numeric',
  'real',
  'double precision',
  'money',
  'text',
  'character varying',
  'bpchar',
  '"char"',
  'name',
  'boolean',
  'uuid',
  'date',
  'time without time zone',
  'time with time zone',
  'timestamp without time zone',
  'timestamp with time zone',
  'interval',
  'bytea',
  'bit',
  'bit varying',
  'inet',
  'cidr',
  'macaddr',
  'jsonb',
  'oid',
]);

/** Values of other types (json, xml, point, a type of the shop) are compared as texts. */
export const hasEquality = ({ type, isEnum }: Pick<Column, 'type' | 'isEnum'>): boolean =>
  isEnum || withEquality.has(type);

export const wholeNumbers: readonly string[] = ['smallint', 'integer', 'bigint', 'numeric'];
export const times: readonly string[] = ['timestamp without time zone', 'timestamp with time zone', 'date'];
