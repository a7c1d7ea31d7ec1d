import { LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { nearest } from '../nearest.ts';
import { shopAnswerStates } from './shop.ts';

/**
 * The adopt file: one shop's watch list and parts query. docs/adopting.md describes it; every mistake is named with line,
 * field, rule and remedy.
 */
const name = /^[a-z][a-z0-9_]{0,30}$/;
const identifier = /^[A-Za-z_][A-Za-z0-9_$]{0,62}$/;
const tableName = /^[A-Za-z_][A-Za-z0-9_$]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_$]{0,62})?$/;
/** What a template in a key, and in a column of answers, may stand for. */
export const answerWords = [
  '$unix',
  '$unix_ms',
  '$now',
  '$errcode',
  '$errmsg',
  '$rid',
  '$reason',
  '$version',
  '$state',
] as const;

const column = z.string().regex(identifier, 'must be the name of a column');
const table = z
  .string()
  .regex(tableName, 'must be the name of a table, with its schema before a dot where it needs one');
const kindName = z
  .string()
  .regex(name, 'must be a name of a-z, 0-9 and _, as the parts query calls the column: order_id');

const watch = z.strictObject({
  table,
  /** Kind of key → the column of this table that holds it. */
  keys: z.record(kindName, column).refine((keys) => Object.keys(keys).length > 0, {
    error: 'must name at least one key: keys: { order_id: id }',
  }),
  /** A change of one of these means "look again"; all columns where none is named. */
  columns: z.array(column).min(1, 'must name at least one column, or be left out for all').optional(),
});

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const answerColumns = z.strictObject({
  table,
  keys: z.record(kindName, column).refine((keys) => Object.keys(keys).length === 1, {
    error: 'must name one key: keys: { order_id: id }',
  }),
  /** Column → state → what is written there. */
  set: z.record(column, z.partialRecord(z.enum(shopAnswerStates), value)),
});

const backfill = z.strictObject({
  table,
  keys: z.record(kindName, column).refine((keys) => Object.keys(keys).length === 1, {
    error: 'must name one key: keys: { order_id: id }',
  }),
  /** A time, or unix seconds or milliseconds in a whole number; needed for --since. */
  since: column.optional(),
});

export const schema = z.strictObject({
  name: z
    .string()
    .regex(name, 'must be a name of a-z, 0-9 and _, at most 31 characters: my_shop')
    .default('shop'),
  dialect: z.enum(['postgres', 'mysql'], { error: 'must be postgres or mysql (MariaDB is mysql)' }),
  appid: z
    .string()
    .regex(/^[0-9A-Za-z_-]{1,64}$/, 'must be the appid of the mini-program')
    .optional(),
  mchid: z
    .union([z.string(), z.number()])
    .transform(String)
    .refine((text) => /^[0-9A-Za-z_-]{1,32}$/.test(text), { error: 'must be the merchant number' })
    .optional(),
  /** The events' source. */
  source: z.string().min(1, 'must not be empty').max(200, 'must have at most 200 characters').optional(),
  watch: z.array(watch).min(1, 'must name at least one table'),
  parts: z.string().min(1, 'must be the SELECT that gives the parts of the keys'),
  /** What the shop calls a carrier (its key or its name) → WeChat's delivery_id. */
  carriers: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({}),
  answers: z.array(answerColumns).default([]),
  backfill: z.array(backfill).default([]),
  /** Of one parts query. */
  timeout_ms: z
    .number()
    .int()
    .min(100, 'must be at least 100')
    .max(60_000, 'must be at most 60000')
    .default(10_000),
});

export type AdoptFile = Readonly<z.output<typeof schema>> & {
  /** Every kind that the watch list names. */
  kinds: readonly string[];
};

export type FileProblem = { line: number; field: string; rule: string };
export type ReadFile = { kind: 'file'; file: AdoptFile } | { kind: 'problems'; problems: FileProblem[] };

/** Reads the text of an adopt file. Pure. */
export function readAdoptFile(text: string): ReadFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0)
    return {
      kind: 'problems',
      problems: document.errors.map(({ pos, message }) => ({
        line: lines.linePos(pos[0]).line,
        field: 'file',
        rule: `is no YAML: ${message}`,
      })),
    };
  const lineOf = (path: readonly PropertyKey[]): number => lineAt(document, path, lines);
  const parsed = schema.safeParse(document.toJS());
  const problems = parsed.success ? ruleProblems(parsed.data) : parsed.error.issues.flatMap(issueProblems);
  if (problems.length > 0 || !parsed.success)
    return {
      kind: 'problems',
      problems: problems.map(({ path, rule }) => ({ line: lineOf(path), field: fieldOf(path), rule })),
    };
  return { kind: 'file', file: { ...parsed.data, kinds: kindsOf(parsed.data) } };
}

type Loose = z.output<typeof schema>;
type Found = { path: readonly PropertyKey[]; rule: string };

const kindsOf = ({ watch: list }: Loose): string[] => [
  ...new Set(list.flatMap(({ keys }) => Object.keys(keys))),
];

/** What no single field shows. */
function ruleProblems(file: Loose): Found[] {
  const kinds = kindsOf(file);
  const sql = withoutTexts(file.parts);
  const asked = [...sql.matchAll(placeholder)].map((match) => match[2] ?? '');
  const whole = [...sql.matchAll(/(?<![:\w]):([a-z][a-z0-9_]*)/g)].map((match) => match[1] ?? '');
  const unknown = [...new Set(whole.filter((one) => !kinds.includes(one)))];
  const bare = [
    ...new Set(whole.filter((one) => kinds.includes(one) && count(whole, one) > count(asked, one))),
  ];
  const unasked = kinds.filter((kind) => !whole.includes(kind));
  const unwatched = (keys: Record<string, string>, path: PropertyKey[]): Found[] =>
    Object.keys(keys)
      .filter((kind) => !kinds.includes(kind))
      .map((kind) => ({
        path: [...path, 'keys', kind],
        rule: `is no key of the watch list: one of ${kinds.join(', ')}`,
      }));
  return [
    ...unknown.map((one) => ({
      path: ['parts'],
      rule: `:${one} is no key of the watch list: one of ${kinds.join(', ')}`,
    })),
    ...bare.map((one) => ({
      path: ['parts'],
      rule: `:${one} must stand in "in (:${one})": it is a list of keys`,
    })),
    ...unasked.map((kind) => ({
      path: ['parts'],
      rule: `must ask for the keys of each kind: … where id in (:${kind})`,
    })),
    ...(/;\s*\S/.test(sql)
      ? [{ path: ['parts'], rule: 'must be one statement: remove what follows the ;' }]
      : []),
    ...file.answers.flatMap(({ keys }, index) => unwatched(keys, ['answers', index])),
    ...file.backfill.flatMap(({ keys }, index) => unwatched(keys, ['backfill', index])),
    ...file.answers.flatMap(({ set }, index) => wrongWords(set, ['answers', index, 'set'])),
  ];
}

/** SQL without what stands in literals, quoted names and comments. */
const withoutTexts = (sql: string): string =>
  sql.replace(/'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\//g, ' ');

const count = (list: readonly string[], one: string): number => list.filter((other) => other === one).length;

/** `in (:order_id)` of the parts query. */
export const placeholder = /\b(in)\s*\(\s*:([a-z][a-z0-9_]*)\s*\)/gi;

const wrongWords = (set: Loose['answers'][number]['set'], path: PropertyKey[]): Found[] =>
  Object.entries(set).flatMap(([one, states]) =>
    Object.entries(states)
      .filter(
        ([, given]) =>
          typeof given === 'string' &&
          given.startsWith('$') &&
          !(answerWords as readonly string[]).includes(given),
      )
      .map(([state, given]) => ({
        path: [...path, one, state],
        rule: `${String(given)} is not one of ${answerWords.join(', ')}`,
      })),
  );

function issueProblems(issue: z.core.$ZodIssue): Found[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      rule: unknownRule(key),
    }));
  const rule =
    issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
      ? 'is missing'
      : issue.message;
  return [{ path: issue.path, rule }];
}

const fields = [
  'name',
  'dialect',
  'appid',
  'mchid',
  'source',
  'watch',
  'parts',
  'carriers',
  'answers',
  'backfill',
  'timeout_ms',
  'table',
  'keys',
  'columns',
  'set',
  'since',
];

function unknownRule(key: string): string {
  const near = nearest(key, fields);
  return near === undefined || near === key
    ? 'is not known here: remove it, or see docs/adopting.md'
    : `is not known here: did you mean ${near}?`;
}

const fieldOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
    '',
  ) || 'file';

/** Of the nearest node that is there. */
function lineAt(document: Document, path: readonly PropertyKey[], lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as
      { range?: [number, number, number] | null } | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
