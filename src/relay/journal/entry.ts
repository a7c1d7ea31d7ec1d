/** Ids that one journal entry may span, so that the entry of an id is found by a short range of first ids. */
export const journalSpan = 100_000;

export type JournalEntry = {
  firstId: number;
  lastId: number;
  topic: string;
  partition: number;
  partitionCount: number;
  baseOffset: number;
  count: number;
};
