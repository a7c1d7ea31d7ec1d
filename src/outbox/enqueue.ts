import { bundledCarriers } from '../shipment/carriers.ts';
import { FahuoError } from '../errors.ts';
import type { CarrierIds } from '../shipment/combinations.ts';
import { checkCombined, type ContractOptions } from '../shipment/contract.ts';
import { maskCombined, maskContacts } from '../shipment/mask.ts';
import { checkEnqueued } from '../shipment/offer.ts';
import { describeProblems, type Problem } from '../shipment/problems.ts';
import { insertCombined, insertEvent, isInOrder, type EnqueuedPart } from './store.ts';
import { recognise, type OutboxTransaction, type RunStatement } from './transaction.ts';

export type { EnqueuedPart } from './store.ts';
export type { OutboxTransaction } from './transaction.ts';

export type EnqueueOptions = {
  /** Instead of those that the database knows, which has the last word all the same. */
  carriers?: CarrierIds;
  /** Mask phone numbers of `contact` before they are stored; off, an unmasked number is refused. */
  maskContacts?: boolean;
  /** Take a carrier's name, or another system's code, for the one id that it can mean; off, the refusal suggests it. */
  carrierAliases?: boolean;
};

/**
 * Writes an event into the outbox, in the caller's transaction: a `ShippingEvent`, for which the payment's next version is drawn
 * where it has none, or a `ReceivedEvent`. It is sent if that transaction commits, and only then (P2). Returns the outbox id; the earlier one where the same event
 * came before. `tx` is a pg client after `begin`, or the transaction of drizzle, postgres.js, PGlite, Kysely, Knex, TypeORM or
 * Prisma.
 * @throws FahuoError TRANSACTION_INVALID where `tx` is none of these, or is seen to be outside of a transaction;
 * EVENT_INVALID naming field, value, rule and remedy. Nothing is written then, and the transaction goes on. What the database refuses (the id,
 * or the payment and version, came before with other content) is the driver's own error, with SQLSTATE 23505.
 */
export const enqueue = (
  tx: OutboxTransaction,
  event: unknown,
  options: EnqueueOptions = {},
): Promise<number> =>
  write(tx, event, { ...options, mask: maskContacts, check: checkEnqueued, insert: insertEvent });

/**
 * {@link enqueue} for a combined payment (a `CombinedEvent`): a shipped event of each part, all or none, each with the next
 * version of its payment. Resolves with the parts in the order of `sub_orders`, with the earlier rows where the same event
 * came before.
 * @throws FahuoError as {@link enqueue}; a problem names its place, like `data.sub_orders[2].shipping_list[0].tracking_no`.
 */
export const enqueueCombined = (
  tx: OutboxTransaction,
  event: unknown,
  options: EnqueueOptions = {},
): Promise<EnqueuedPart[]> =>
  write(tx, event, { ...options, mask: maskCombined, check: checkCombined, insert: insertCombined });

type Checked = { kind: 'valid'; event: object } | { kind: 'invalid'; problems: Problem[] };
type Check = (input: unknown, options: ContractOptions) => Checked;
/** What differs between the doors. */
type Door<Written> = {
  mask: (event: unknown) => unknown;
  check: Check;
  insert: (run: RunStatement, event: string) => Promise<Written>;
};

async function write<Written>(
  tx: OutboxTransaction,
  event: unknown,
  { mask, check, insert, ...options }: EnqueueOptions & Door<Written>,
): Promise<Written> {
  const run = transactionOf(tx);
  const candidate = options.maskContacts === true ? mask(event) : event;
  const checked = check(candidate, { ...options, carriers: options.carriers ?? bundledCarriers() });
  if (checked.kind === 'invalid') {
    if (options.carriers === undefined && (await isOfNewCarrier(run, candidate, check)))
      return insert(run, JSON.stringify(candidate));
    throw new FahuoError('EVENT_INVALID', describeProblems(checked.problems));
  }
  // The database takes what means the same, and notes it. Aliases alone are a choice that it may not share.
  return insert(run, JSON.stringify(options.carrierAliases === true ? checked.event : candidate));
}

function transactionOf(tx: OutboxTransaction): RunStatement {
  const recognised = recognise(tx);
  if (recognised.kind === 'refused')
    throw new FahuoError('TRANSACTION_INVALID', recognised.message, { remedy: recognised.remedy });
  return recognised.run;
}

const everyCarrier: CarrierIds = { has: () => true };

/** The database's list is WeChat's of today, and ours the one of our release: where a carrier alone is wrong, it is asked. */
const isOfNewCarrier = async (run: RunStatement, candidate: unknown, check: Check): Promise<boolean> =>
  check(candidate, { carriers: everyCarrier }).kind === 'valid' && isInOrder(run, JSON.stringify(candidate));
