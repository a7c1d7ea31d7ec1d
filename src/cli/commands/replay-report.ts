import type { OffsetRange } from '../../kafka/offset-range.ts';
import type { ReplayRow } from '../../replay/replay-store.ts';
import type { Planned } from '../../replay/run.ts';
import { table } from '../../table.ts';
import { exitCodes } from '../output.ts';

export type Report = { exitCode: number; json: object; lines: string[] };

const incompleteLine = ({ partition, from, to }: OffsetRange): string =>
  `incomplete, partition ${partition} read to ${from} of ${to}`;
const remedy = 'Neither the topic nor the outbox gave more: run `fahuo doctor`, then the same command again.';

/** What a dry run says, and a command whose plan was no ground to act on. Pure. */
export function reportPlan({ plan, ranges, retryIds, unread }: Planned): Report {
  const exitCode =
    unread.length > 0 ? exitCodes.failed : plan.events === 0 ? exitCodes.nothingMatched : exitCodes.done;
  const fromOutbox = ranges.filter(({ source }) => source === 'outbox');
  const lines = [
    table([
      ['events', plan.events],
      ['acknowledged already', plan.acknowledged],
      ['rejected, superseded or forgotten', plan.finished],
      ['under way', plan.underWay],
      ['parked', plan.parked],
      ['dead letters', plan.dead],
      ['to send', plan.toSend],
      ['to try again', retryIds.length],
    ]),
    ...fromOutbox.map(
      ({ partition, from, to }) =>
        `partition ${partition}, ${from} to ${to}: from the outbox, the topic holds them no longer`,
    ),
    ...unread.map(incompleteLine),
    unread.length > 0
      ? `Nothing was changed. ${remedy}`
      : 'Dry run: nothing was changed. Add --execute to do it.',
  ];
  const json = { dry_run: true, plan, retry: retryIds.length, ranges, replay: null, incomplete: unread };
  return { exitCode, json, lines };
}

/** What a replay that was executed says of itself. Pure. */
export function reportReplay(row: ReplayRow): Report {
  const unread = row.unread ?? [];
  const counts = `${row.inserted} to send, ${row.retried} to try again, ${row.duplicate} known already, ${row.superseded} superseded, ${row.dead} dead letters`;
  return {
    exitCode: row.state === 'done' ? exitCodes.done : exitCodes.failed,
    json: { dry_run: false, replay: jsonOf(row), incomplete: unread },
    lines: [...unread.map(incompleteLine), `${endOf(row)}: ${counts}.${nextStep(row)}`],
  };
}

function endOf({ state, id, leased }: ReplayRow): string {
  switch (state) {
    case 'done':
      return `Done, replay ${id}`;
    case 'incomplete':
      return `In part, replay ${id}`;
    case 'paused':
      return `Paused, replay ${id}`;
    case 'cancelled':
      return `Cancelled, replay ${id}`;
    case 'running':
      return leased ? `Running elsewhere, replay ${id}` : `Left alone, replay ${id}`;
  }
}

function nextStep({ state, id, leased }: ReplayRow): string {
  const resume = ` \`fahuo replay resume ${id}\` goes on where it stopped.`;
  if (state === 'incomplete')
    return ` ${remedy.replace('the same command again', `\`fahuo replay resume ${id}\``)}`;
  return state === 'paused' || (state === 'running' && !leased) ? resume : '';
}

export const jsonOf = (row: ReplayRow): object => ({
  id: row.id,
  state: row.state,
  selection: row.selection,
  topic: row.topic,
  rate: row.rate,
  inserted: row.inserted,
  duplicate: row.duplicate,
  superseded: row.superseded,
  dead: row.dead,
  retried: row.retried,
  unread: row.unread,
  started_by: row.startedBy,
  started_at: row.startedAt,
  finished_at: row.finishedAt,
  running: row.state === 'running' && row.leased,
});

export const replayTable = (rows: readonly ReplayRow[]): string =>
  table([
    ['id', 'state', 'selection', 'to send', 'known', 'dead', 'retried', 'started', 'by'],
    ...rows.map((row) => [
      row.id,
      row.state === 'running' && !row.leased ? 'running (nobody works at it)' : row.state,
      row.selection,
      row.inserted,
      row.duplicate + row.superseded,
      row.dead,
      row.retried,
      row.startedAt.toISOString(),
      row.startedBy,
    ]),
  ]);
