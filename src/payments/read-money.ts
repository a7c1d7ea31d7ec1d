import { inTransaction, type Pool } from '../../db/client.ts';
import { readSpans } from '../relay/journal/store.ts';
import { summarize, type Money } from './money.ts';
import { holdPicture, readClosedGroups, readExtent, readOpenGroups, type Of } from './money-store.ts';

/** What waits, what settles and what is due, of one app or of all; `now` decides about deadlines. */
export const readMoney = (pool: Pool, of: Of & { topic: string }): Promise<Money> =>
  inTransaction(pool, async (tx) => {
    await holdPicture(tx);
    const { unseenAfter } = await readSpans(tx, [], of.topic);
    const open = await readOpenGroups(tx, of, await readExtent(tx, unseenAfter));
    const closed = await readClosedGroups(tx, of);
    return summarize({ groups: [...open.groups, ...closed], dearest: open.dearest });
  });
