import type { OutboxPartition } from './partitions/store.ts';
import type { SequenceFault } from './sequence.ts';

/** What an operator does about the outbox: the same words in the log, in `status`, in `doctor` and in the documents. */
export const repairRemedy = 'Run `fahuo outbox repair`, which says what it would do, then add --execute.';

export const passedOverRemedy = `${repairRemedy} The rows are published then; until then their partition stays.`;

export const detachedRemedy = ({ name, from, to }: OutboxPartition): string =>
  `The relay does not see its rows. Run \`alter table fahuo.outbox attach partition fahuo.${name} for values from (${from}) to (${to})\`, then \`fahuo outbox repair\`; an archive belongs into another schema.`;

export const sequenceRemedy = ({ statement }: SequenceFault): string =>
  `Run \`fahuo outbox repair --execute\`, which sets it and publishes what was written behind the cursor; or, as its owner, \`${statement}\`, and the repair later.`;

export const parkedRemedy =
  "Raise the topic's max.message.bytes, then `fahuo outbox unpark PAYMENT --execute`; `fahuo outbox parked` lists them.";
