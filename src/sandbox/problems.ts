import { z } from 'zod';

/** One value or a list of them; always a list, so that a problem is said of the one that is wrong. */
export const listOf = <S extends z.ZodType>(shape: S) =>
  z.preprocess((given) => (Array.isArray(given) ? (given as unknown[]) : [given]), z.array(shape));

/** The members that an object of a body may have; empty where nobody says. */
export type MembersOf = (object: unknown) => readonly string[];

/** What is wrong with a body: field, value, rule, remedy. `body` is undefined where it was no JSON. */
export function describeIssues(body: unknown, error: z.ZodError, membersOf: MembersOf = () => []): string {
  if (body === undefined) return 'body is not JSON: send one object, or a list of them';
  return error.issues.map((issue) => describeIssue(body, issue, membersOf)).join('; ');
}

function describeIssue(body: unknown, issue: z.core.$ZodIssue, membersOf: MembersOf): string {
  if (issue.code === 'unrecognized_keys') {
    const members = membersOf(valueAt(body, issue.path));
    const name = issue.keys[0] ?? '';
    const there = members.length === 0 ? 'remove it' : `there are ${members.join(', ')}`;
    return `${fieldName(body, [...issue.path, name])} is not a member that the sandbox knows: ${there}`;
  }
  return `${fieldName(body, issue.path)} is ${shown(valueAt(body, issue.path))}: ${ruleOf(issue)}`;
}

/** Where one object was sent alone, its place in the list is not said. */
function fieldName(body: unknown, path: readonly PropertyKey[]): string {
  const steps = Array.isArray(body) ? path : path.filter((step, index) => index > 0 || step !== 0);
  const name = steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return name.replace(/^\./, '') || 'body';
}

/** A body that is one object stands in a list by itself. */
const valueAt = (body: unknown, path: readonly PropertyKey[]): unknown => {
  const alone = path[0] === 0 && !Array.isArray(body);
  return (alone ? path.slice(1) : path).reduce<unknown>(
    (value, step) => (Object(value) as Record<PropertyKey, unknown>)[step],
    body,
  );
};

const shown = (value: unknown): string => {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `must be ${kinds[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  if (issue.code !== 'too_small') return issue.message;
  return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}`;
}
