/** The written-out event is the output of the rules, member by member: `tsc` is the test. */
import type { z } from 'zod';
import type { eventSchema } from '../../../src/shipment/contract.ts';
import type {
  CORRECTED,
  CorrectedEvent,
  SHIPPED,
  ShippedEvent,
  ShippingEvent,
} from '../../../src/shipment/events.ts';

type Output = z.infer<typeof eventSchema>;
type Of<Type extends Output['type']> = Extract<Output, { type: Type }>;

/** Exact, optional members and literal numbers included; mutual assignability would let some differences through. */
type Same<Left, Right> =
  /* eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the compiler compares the two
     conditional types only while T is open */
  (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false;
type Yes<T extends true> = T;

export type ShippedIsWrittenOut = Yes<Same<ShippedEvent, Of<typeof SHIPPED>>>;
export type CorrectedIsWrittenOut = Yes<Same<CorrectedEvent, Of<typeof CORRECTED>>>;
export type AllIsWrittenOut = Yes<Same<ShippingEvent, Output>>;
