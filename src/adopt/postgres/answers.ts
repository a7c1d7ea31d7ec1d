import type { AdoptFile } from '../file.ts';
import type { ShopAnswer } from '../shop.ts';
import { columnOf, hasEquality, literal, nameOf, quoted, type Column, type Relation } from './relation.ts';

type AnswerColumns = AdoptFile['answers'][number];

/** One answer a key, in the order in which locks are taken: the newest of each. Pure. */
export function newestOf(answers: readonly ShopAnswer[]): ShopAnswer[] {
  const newest = new Map<string, ShopAnswer>();
  for (const answer of answers) {
    const name = JSON.stringify([answer.kind, answer.ref]);
    const other = newest.get(name);
    if (other === undefined || isNewer(answer, other)) newest.set(name, answer);
  }
  return [...newest].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, answer]) => answer);
}

/** As `upsertAnswers` judges: by the version within one payment, else by the time. */
function isNewer(answer: ShopAnswer, other: ShopAnswer): boolean {
  const samePayment = answer.appid === other.appid && answer.payment === other.payment;
  if (samePayment && answer.version !== null && other.version !== null && answer.version !== other.version)
    return answer.version > other.version;
  return answer.atMs >= other.atMs;
}

/** The statement that brings the standing answers of some keys into one table's columns; null where it writes none. */
export type ColumnsStatement = { kind: string; text: string };

/**
 * Parameters: the keys of one kind. Answers with the keys whose rows the shop has locked, which stay as they are: we wait
 * for no row while we hold others, so that we are in no deadlock of the shop's. Pure.
 */
export function columnsStatement({ keys, set }: AnswerColumns, relation: Relation): ColumnsStatement | null {
  const [kind, keyName] = Object.entries(keys)[0] ?? ['', ''];
  const key = columnOf(relation, keyName);
  const writes = Object.entries(set).flatMap(([name, states]) => {
    const column = columnOf(relation, name);
    return column === undefined || Object.keys(states).length === 0 ? [] : [{ column, states }];
  });
  if (key === undefined || writes.length === 0) return null;
  const values = writes.map(({ column, states }) => ({ column, value: valueOf(column, states) }));
  const named = [...new Set(writes.flatMap(({ states }) => Object.keys(states)))];
  const shopKey = `t.${quoted(key.name)}`;
  const differing = values.map(({ column, value }) => differs(column, value)).join('\n      or ');
  const text = `with standing as materialized (
    select a.*, a.ref::${key.type} as shop_key from fahuo_adopt.answer a
    where a.kind = ${literal(kind)} and a.ref = any ($1::text[]) and a.state in (${named.map(literal).join(', ')})
  ), free as materialized (
    select ${shopKey} as shop_key from ${nameOf(relation)} t
    where ${shopKey} = any (array(select shop_key from standing)) for no key update skip locked
  ), written as (
    update ${nameOf(relation)} t set
      ${values.map(({ column, value }) => `${quoted(column.name)} = ${value}`).join(',\n      ')}
    from standing a where ${shopKey} = a.shop_key and ${shopKey} in (select shop_key from free)
      and (${differing})
  )
  select distinct a.ref from standing a join ${nameOf(relation)} t on ${shopKey} = a.shop_key
  where a.shop_key not in (select shop_key from free) and (${differing})`;
  return { kind, text };
}

function differs(column: Column, value: string): string {
  const cast = hasEquality(column) ? '' : '::text';
  return `t.${quoted(column.name)}${cast} is distinct from (${value})${cast}`;
}

const valueOf = (column: Column, states: AnswerColumns['set'][string]): string =>
  `case a.state ${Object.entries(states)
    .map(([state, given]) => `when ${literal(state)} then ${textOf(given)}::${column.castType}`)
    .join(' ')} else t.${quoted(column.name)} end`;

/** As text; the column's own input reads it. `$now` is the answer's own time, so that it stays what it is. */
function textOf(given: string | number | boolean | null | undefined): string {
  if (given === null || given === undefined) return 'null';
  if (typeof given !== 'string' || !given.startsWith('$')) return `${literal(String(given))}::text`;
  return words[given] ?? `${literal(given)}::text`;
}

const words: Readonly<Record<string, string>> = {
  $unix: 'floor(extract(epoch from a.at))::bigint::text',
  $unix_ms: 'floor(extract(epoch from a.at) * 1000)::bigint::text',
  $now: 'a.at::text',
  $errcode: 'a.errcode::text',
  $errmsg: 'a.errmsg::text',
  $rid: 'a.rid::text',
  $reason: 'a.reason::text',
  $version: 'a.version::text',
  $state: 'a.state::text',
};
