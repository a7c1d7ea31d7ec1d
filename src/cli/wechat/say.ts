import type { Failed } from '../../wechat/replies.ts';
import { outcomeTable } from '../../wechat/outcome-table.ts';
import { answer, exitCodes } from '../output.ts';

/** What a refusal or a missing answer means, for a person and for a program. Pure. */
export function describeFailure({ outcome, answer: { errcode, errmsg, rid, failure, notSent } }: Failed) {
  const row = outcomeTable.find((one) => one.errcode === errcode);
  if (errcode !== null)
    return {
      errcode,
      errmsg,
      rid,
      meaning: row?.meaning ?? 'no code that is known',
      remedy: row?.remedy ?? `Look the request up: fahuo wechat rid ${rid ?? 'RID'}.`,
    };
  return {
    errcode,
    errmsg,
    rid,
    meaning:
      notSent === true
        ? `nothing was sent: ${reasonOf(outcome)}`
        : `no answer that can be read (${failure ?? 'no errcode'}): whether it took effect is not known`,
    remedy:
      'Check WECHAT_BASE_URL, and that this host reaches it (proxy, firewall, DNS); `fahuo doctor` looks closer.',
  };
}

const reasonOf = (outcome: Failed['outcome']): string =>
  'reason' in outcome ? outcome.reason.replace(/^not sent: /, '') : outcome.kind;

/** Says why it failed; the exit code is 1. */
export function sayFailure(json: boolean | undefined, of: object, failed: Failed): void {
  process.exitCode = exitCodes.failed;
  const said = describeFailure(failed);
  answer(json, { ...of, done: false, ...said }, () =>
    [
      said.errcode === null
        ? `It failed: ${said.meaning}.`
        : `WeChat refuses it: ${said.errcode} ${said.meaning}${said.errmsg === null ? '' : ` (${said.errmsg})`}`,
      said.remedy,
    ].join('\n'),
  );
}

/** Says what was done, or why it was not. */
export function sayDone(
  json: boolean | undefined,
  of: object,
  result: { kind: 'done' } | Failed,
  text: () => string,
): void {
  if (result.kind === 'failed') return sayFailure(json, of, result);
  answer(json, { ...of, done: true }, text);
}
