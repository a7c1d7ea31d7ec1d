import type { Queryable } from '../../db/client.ts';
import { readReceiptStory, type ReceiptStory } from '../receipt/status-store.ts';
import { locate, outboxRowsFrom, type Location } from '../relay/journal/locate.ts';
import type { LocatedRow } from '../relay/journal/store.ts';
import {
  readAttempts,
  readDeadLettersOf,
  readForgotten,
  readRefusedOffers,
  readTold,
  readUploads,
  type AttemptStory,
  type DeadLetterStory,
  type ForgottenStory,
  type RefusedOfferStory,
  type ToldStory,
  type UploadStory,
} from './story-store.ts';

/** One payment's whole way: outbox rows and where they lie in Kafka, upload rows with every attempt, dead letters. */
export type Story = {
  payment: string;
  /** What WeChat told, a row an app: where the money is. */
  told: ToldStory[];
  outbox: (LocatedRow & { location: Location | null })[];
  uploads: (UploadStory & { tries: AttemptStory[] })[];
  /** Reminders to confirm receipt, followed parcels, and the calls about both. */
  receipt: ReceiptStory;
  deadLetters: DeadLetterStory[];
  refusedOffers: RefusedOfferStory[];
  /** What is left of versions that were forgotten. */
  forgotten: ForgottenStory[];
};

export async function tellStory(
  db: Queryable,
  payment: string,
  topics: { events: string; acks: string },
): Promise<Story> {
  const uploads = await readUploads(db, payment);
  const named = await readDeadLettersOf(db, payment, []);
  const rows = await outboxRowsFrom(db, payment, { places: [...uploads, ...named], topic: topics.events });
  const outbox = [];
  for (const row of rows) outbox.push({ ...row, location: await locate(db, row, topics) });
  const attempts = await readAttempts(
    db,
    uploads.map((upload) => upload.id),
  );
  return {
    payment,
    told: await readTold(db, payment),
    outbox,
    uploads: uploads.map((upload) => ({
      ...upload,
      tries: attempts.filter((attempt) => attempt.uploadId === upload.id),
    })),
    receipt: await readReceiptStory(db, payment),
    deadLetters: await readDeadLettersOf(
      db,
      payment,
      rows.map(({ eventId, source }) => ({ eventId, source })),
    ),
    refusedOffers: await readRefusedOffers(db, payment),
    forgotten: await readForgotten(db, payment),
  };
}
