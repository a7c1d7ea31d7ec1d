import type { StepResult } from '../loop.ts';
import { cutText } from '../text.ts';
import type { AdoptDeps } from './deps.ts';
import { keyName } from './read-parts.ts';
import type { ShopAnswer, ShopAnswerState } from './shop.ts';
import * as store from './store.ts';

const batch = 500;
const page = 5_000;

/**
 * Walks over the payments of which the shop has not had the last word, again and again from the first; the shop is told
 * what changed. Losing a write is harmless: it is made again.
 */
export function tellShop({
  pool,
  shop,
  file,
}: Pick<AdoptDeps, 'pool' | 'shop' | 'file'>): () => Promise<StepResult> {
  let afterId = 0;
  return async () => {
    const { rows, nextId } = await store.readUnanswered(pool, file.name, { afterId, page, limit: batch });
    afterId = nextId;
    const news = rows
      .map((row) => ({ row, answer: answerOf(row) }))
      .filter(({ row, answer }) => isNew(row, answer));
    if (news.length === 0) return 'idle';
    const told = news.flatMap(({ row, answer }) =>
      answer === null ? [] : row.keys.map((key) => ({ ...key, ...answer })),
    );
    const locked = new Set((await shop.writeAnswers(told)).map(keyName));
    await store.saveAnswered(
      pool,
      news.map(({ row, answer }) => ({
        id: row.id,
        updatedAt: row.updatedAt,
        answered: nameOf(answer),
        final: answer?.state !== 'waiting' && !row.keys.some((key) => locked.has(keyName(key))),
      })),
    );
    return locked.size > 0 ? 'idle' : 'busy';
  };
}

type Answer = Omit<ShopAnswer, 'kind' | 'ref'>;

const isNew = ({ answered }: store.Unanswered, answer: Answer | null): boolean =>
  answered !== nameOf(answer) || answer?.state !== 'waiting';

/** What the shop was told, in short. */
const nameOf = (answer: Answer | null): string =>
  answer === null
    ? 'nothing'
    : cutText(JSON.stringify([answer.state, answer.version, answer.errcode, answer.reason]), 500);

/**
 * What a payment's keys are told; null where there is nothing to say. Its time is when this became true, by fahuo's database:
 * of two answers the later one is the newer, whoever reads or writes them when. Pure.
 */
export function answerOf(row: store.Unanswered): Answer | null {
  const { state, detail, updatedMs } = row;
  switch (state) {
    case 'held':
    case 'proposed':
      return { ...namesOf(row), ...unsent, state, reason: detail, atMs: updatedMs };
    case 'said':
      return row.upload === null ? waiting(row) : uploadAnswer(row, row.upload);
    case 'nothing':
    case 'skipped':
    case 'failed':
    case 'gone':
      return null;
  }
}

const namesOf = ({ appid, payment, version }: store.Unanswered) => ({ appid, payment, version });
const unsent = { errcode: null, errmsg: null, rid: null };

const waiting = (row: store.Unanswered): Answer => ({
  ...namesOf(row),
  ...unsent,
  state: 'waiting',
  reason: null,
  atMs: row.updatedMs,
});

function uploadAnswer(row: store.Unanswered, upload: store.AdoptUpload): Answer {
  const state = finalStates.find((one) => one === upload.state);
  if (state === undefined) return waiting(row);
  const { errcode, errmsg, rid, detail, finishedMs } = upload;
  const reason = state === 'acknowledged' ? null : detail;
  const atMs = Math.max(finishedMs ?? row.updatedMs, row.updatedMs);
  return { ...namesOf(row), errcode, errmsg, rid, state, reason, atMs };
}

const finalStates = ['acknowledged', 'rejected', 'superseded'] as const satisfies readonly ShopAnswerState[];
