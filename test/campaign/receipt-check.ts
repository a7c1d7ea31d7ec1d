import type { ReceiptState, TraceState } from '../../db/states.ts';

/** What is compared, payment by payment, when all is quiet. */
export type ReceiptEvidence = {
  payments: readonly string[];
  /** Payments whose parcels were followed, and that nobody asked for otherwise. */
  traced: readonly string[];
  rows: readonly { payment: string; state: ReceiptState; sends: number }[];
  traces: readonly { payment: string; state: TraceState; phone: boolean }[];
  /** Requests of notify_confirm_receive as WeChat saw them, in their order: what it answered, null where it could not. */
  requests: readonly { payment: string; answer: string | null }[];
  /** Reminders that took effect. */
  effects: readonly string[];
  /** Whether a phone stands in clear anywhere in the database. */
  clearPhones: number;
};

/** Each must be zero. */
export type ReceiptFaults = {
  /** Payments without their one row, or whose row never ended. */
  lost: number;
  /** Reminders that took effect twice. */
  effectsNotOne: number;
  /** Requests after one whose effect was not known, or after one that had it. */
  calledAgain: number;
  /** Acknowledged without an effect, or refused with one. */
  misrecorded: number;
  /** Requests of a payment beyond those that its row committed to. */
  withoutIntent: number;
  /** Parcels that were not followed to their end. */
  tracesLost: number;
  phonesKept: number;
};

/** What proves that nothing happened: another call may follow. */
const harmless = ['10060028', '10060001', '40001', '42001', '45011'];

export function judgeReceipts(evidence: ReceiptEvidence): ReceiptFaults {
  const { payments, traced, rows, traces, requests, effects, clearPhones } = evidence;
  const rowOf = new Map(rows.map((row) => [row.payment, row]));
  const count = (of: readonly string[], wrong: (payment: string) => boolean): number =>
    of.filter(wrong).length;
  const effectsOf = (payment: string): number => effects.filter((one) => one === payment).length;
  const answersOf = (payment: string): string[] =>
    requests.filter((request) => request.payment === payment).map(({ answer }) => answer ?? 'none');
  const isOpen = (state: ReceiptState | undefined): boolean =>
    state === undefined || ['pending', 'sending', 'unknown'].includes(state);
  return {
    lost: count(payments, (payment) => isOpen(rowOf.get(payment)?.state)),
    effectsNotOne: count(payments, (payment) => effectsOf(payment) > 1),
    calledAgain: payments.reduce((sum, payment) => sum + afterDoubt(answersOf(payment)), 0),
    misrecorded: count(payments, (payment) => {
      const state = rowOf.get(payment)?.state;
      return (
        (state === 'acknowledged' && effectsOf(payment) !== 1) ||
        (state === 'rejected' && effectsOf(payment) > 0)
      );
    }),
    withoutIntent: count(
      payments,
      (payment) => doubtful(answersOf(payment)) > (rowOf.get(payment)?.sends ?? 0),
    ),
    tracesLost: count(
      traced,
      (payment) => traces.find((trace) => trace.payment === payment)?.state !== 'signed',
    ),
    phonesKept: traces.filter(({ phone }) => phone).length + clearPhones,
  };
}

const doubtful = (answers: readonly string[]): number =>
  answers.filter((answer) => !harmless.includes(codeOf(answer))).length;

/** Requests that followed a doubtful one. */
function afterDoubt(answers: readonly string[]): number {
  const first = answers.findIndex((answer) => !harmless.includes(codeOf(answer)));
  return first < 0 ? 0 : answers.length - first - 1;
}

/** A fault is named `notify errcode 10060028`; an answer is its code. */
const codeOf = (answer: string): string => /(?:^|errcode )(-?\d+)$/.exec(answer)?.[1] ?? answer;
