import type pg from 'pg';
import { FahuoError } from '../src/errors.ts';
import type { Queryable } from './client.ts';

/** What follows the signature of a binary copy: flags, and how long the extension is. */
const signatureBytes = 11;
const headerBytes = signatureBytes + 8;
/** In the place of a row's column count: no more rows. */
const trailer = -1;

export type OnRow = (bytes: Buffer, start: number) => void;

/** Statements and copies of one session. */
export type CopySession = Queryable & { copyOut: (sql: string, onRow: OnRow) => Promise<void> };

/**
 * Runs `copy (…) to stdout (format binary)`. A row is a column count and, for each column, a length (-1: null) and
 * bytes; it lies in the driver's buffer, valid during the call. Nothing becomes a string or an object, which is most
 * of what reading a row costs. Rejects as a query would.
 */
export function copyOut(client: pg.ClientBase, sql: string, onRow: OnRow): Promise<void> {
  return new Promise((resolve, reject) => {
    let first = true;
    let thrown: Error | undefined;
    client.query({
      submit: (connection: pg.Connection) => connection.query(sql),
      handleRowDescription: () => undefined,
      handleDataRow: () => undefined,
      handleCommandComplete: () => undefined,
      handleCopyData: ({ chunk }: { chunk: Buffer }) => {
        if (thrown !== undefined) return;
        const start = first ? headerBytes + chunk.readInt32BE(headerBytes - 4) : 0;
        first = false;
        try {
          if (start < chunk.length && chunk.readInt16BE(start) !== trailer) onRow(chunk, start);
        } catch (error) {
          // Thrown on, it would come out of the socket.
          thrown = error instanceof Error ? error : new FahuoError('INVARIANT', String(error));
        }
      },
      handleError: (error: Error) => reject(error),
      handleReadyForQuery: () => {
        if (thrown === undefined) resolve();
        else reject(thrown);
      },
    } as pg.Submittable);
  });
}
