import type { MoneyPlace } from '../../../db/states.ts';
import { sumOf, type Money, type Sum } from '../../payments/money.ts';
import type { Listed } from '../../reconcile/status-store.ts';
import { table } from '../../table.ts';
import { showAge } from '../age.ts';
import { yuanOf } from '../yuan.ts';

const words: Readonly<Record<MoneyPlace, string>> = {
  no_event: 'to ship, no event yet',
  in_outbox: 'in the outbox',
  waiting: 'waits for WeChat',
  parked: 'parked',
  conflict: 'conflict',
  refused: 'refused',
  part_shipped: 'shipped in part',
  shipped: 'shipped, not confirmed',
  confirmed: 'confirmed, not settled',
  settled: 'settled',
  refunded: 'refunded',
};

/** Up to the last of these, in the order of `words`, WeChat waits for a shipment. */
const lastToShip = Object.keys(words).indexOf('part_shipped') + 1;

const shipWithinMs = 48 * 3_600_000;

/** As an owner of a shop reads it: amounts in yuan, and apart from them what has none that is known. Pure. */
export function moneyLines({ places, deadlines, settles, dearest }: Money, now: Date): string[] {
  const head = (first: string): string[] => [first, 'payments', 'yuan', 'amount not known'];
  const line = (word: string, { payments, unknown, fen }: Sum): (string | number)[] => [
    word,
    payments,
    yuanOf(fen),
    unknown === 0 ? '' : unknown,
  ];
  const due = [
    line('has passed', deadlines.passed),
    line('in 1 hour', deadlines.in_1_hour),
    line('in 6 hours', deadlines.in_6_hours),
    line('in 24 hours', deadlines.in_24_hours),
    ...(deadlines.not_known.payments === 0 ? [] : [line('pay time not known', deadlines.not_known)]),
  ];
  const where = Object.entries(words).map(([place, word]) => ({ word, sum: places[place as MoneyPlace] }));
  const toShip = where.slice(0, lastToShip);
  return [
    table([
      head('where'),
      ...toShip.map(({ word, sum }) => line(word, sum)),
      line('all that is to ship', sumOf(toShip.map(({ sum }) => sum))),
      ...where.slice(lastToShip).map(({ word, sum }) => line(word, sum)),
    ]),
    '',
    table([head('48 hours end'), ...due]),
    ...(settles.length === 0
      ? []
      : [
          '',
          table([
            head('settles by itself'),
            ...settles.map(({ day, ...sum }) => line(day ?? 'not known', sum)),
          ]),
        ]),
    ...(dearest.length === 0
      ? []
      : ['', table([['dearest that are due', 'yuan', 'where', 'left'], ...dearest.map(dueLine(now))])]),
  ];
}

const dueLine =
  (now: Date) =>
  ({ payment, fen, place, paidAt }: Money['dearest'][number]): string[] => {
    const leftMs = paidAt.getTime() + shipWithinMs - now.getTime();
    const left = leftMs > 0 ? showAge(leftMs) : `${showAge(-leftMs)} ago`;
    return [payment, fen === null ? 'not known' : yuanOf(fen), words[place], left];
  };

/** How old WeChat's word is: a payment that was made since the last listing is in no sum. Pure. */
export function listedLines(listed: readonly Listed[], now: Date): string[] {
  const ago = (at: Date | null): string =>
    at === null ? 'never' : `${showAge(now.getTime() - at.getTime())} ago`;
  return [
    listed.length === 0
      ? 'WeChat was never listed: a payment without an event here is in no sum.'
      : table([
          ["WeChat's list was read", 'to ship', 'all states'],
          ...listed.map(({ appid, recent, whole }) => [appid, ago(recent), ago(whole)]),
        ]),
    'The role reconcile reads it; fahuo reconcile --from TIME --execute does so now.',
  ];
}
