import { cutText } from '../text.ts';
import type { Form } from './halving.ts';
import type { AttemptRecord, Decided } from './row.ts';

const keptProblem = 300;

/**
 * What of a decision is written. The outcome stays what it is in every form but the last, which is for a person.
 * `problem` is what the database said of the form before. Pure.
 */
export function inForm(decided: Decided, form: Form, problem: string): Decided {
  const { transition, attempts } = decided;
  const refused = `the database refused the record: ${cutText(problem, keptProblem)}`;
  switch (form) {
    case 'whole':
      return decided;
    case 'bare':
      return {
        ...decided,
        transition: { ...transition, detail: refused },
        attempts: attempts.map(withoutTexts),
      };
    case 'parked':
      return {
        ...decided,
        transition: {
          to: 'parked',
          reason: 'unrecorded',
          detail: `${transition.to} by WeChat's answer ${attempts.at(-1)?.answer.errcode ?? 'without a code'}; ${refused}`,
          retryAfterMs: null,
        },
        attempts: [],
      };
  }
}

const withoutTexts = (attempt: AttemptRecord): AttemptRecord => ({
  ...attempt,
  answer: { ...attempt.answer, errmsg: null, rid: null, bodyText: null },
});
