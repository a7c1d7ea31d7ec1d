import { systemClock } from '../../../src/clock.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTransaction } from '../../../db/client.ts';
import { decode } from '../../../src/consumer/decode.ts';
import type { Received } from '../../../src/kafka/message.ts';
import { enqueue } from '../../../src/outbox/enqueue.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { cases, type Case } from '../../support/cases.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import type { LooseEvent } from '../../support/events.ts';
import { runFahuo } from '../../support/fahuo-process.ts';

let database: TestDatabase;
let checked: Map<unknown, Checked>;
beforeAll(async () => {
  [database, checked] = [await createDatabase(), await checkCases()];
});
afterAll(() => database.drop());

/** What a door made of an event: taken as it came, taken with changes, or refused. */
type Said = { taken: boolean; text: string };
const taken = (notes: string | null): Said => ({ taken: true, text: notes ?? '' });
const refused = (text: string): Said => ({ taken: false, text });

/** An event of its own for each door: none is to find what another wrote. */
const forDoor = (event: LooseEvent, door: string): LooseEvent => {
  const copy = structuredClone(event);
  const key = copy.data['order_key'] as { transaction_id: string };
  key.transaction_id = `${door}${key.transaction_id}`;
  return Object.assign(copy, { id: `${door}-${String(copy['id'])}` });
};
const notesOf = async (id: unknown): Promise<string | null> =>
  (await database.pool.query<{ notes: string | null }>('select notes from fahuo.outbox where id = $1', [id]))
    .rows[0]!.notes;

async function bySql(event: LooseEvent): Promise<Said> {
  try {
    const { rows } = await database.pool.query<{ id: number }>('select fahuo.enqueue($1) as id', [
      JSON.stringify(event),
    ]);
    return taken(await notesOf(rows[0]?.id));
  } catch (error) {
    return refused((error as Error).message);
  }
}

async function byOffer(event: LooseEvent): Promise<Said> {
  const { rows } = await database.pool.query<{ id: number | null }>('select fahuo.offer($1) as id', [
    JSON.stringify(event),
  ]);
  if (rows[0]?.id != null) return taken(await notesOf(rows[0].id));
  const kept = await database.pool.query<{ detail: string }>(
    'select detail from fahuo.refused_offer where event_id = $1',
    [event['id']],
  );
  return refused(kept.rows[0]?.detail ?? 'nothing was kept');
}

async function byTypeScript(event: LooseEvent): Promise<Said> {
  try {
    return taken(await notesOf(await inTransaction(database.pool, (tx) => enqueue(tx, event))));
  } catch (error) {
    return refused((error as Error).message);
  }
}

type Checked = { ok: boolean; notes: string[]; problems: { field: string; value: string; rule: string }[] };

/** All cases in one file, as a person checks them. */
async function checkCases(): Promise<Map<unknown, Checked>> {
  const folder = await mkdtemp(join(tmpdir(), 'fahuo-cases-'));
  try {
    const file = join(folder, 'events.ndjson');
    await writeFile(file, cases.map(({ event }) => JSON.stringify(event)).join('\n'));
    const { code, stdout } = await runFahuo(['check', file, '--json'], {});
    expect(code).toBe(1);
    const { results } = JSON.parse(stdout) as { results: Checked[] };
    return new Map(cases.map(({ event }, at) => [event['id'], results[at]!]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function byCheck(event: LooseEvent): Said {
  const { ok, notes, problems } = checked.get(String(event['id']).replace(/^d[0-9]-/, ''))!;
  return ok
    ? taken(notes.join('\n'))
    : refused(problems.map(({ field, value, rule }) => `${field} is ${value}: ${rule}`).join('; '));
}

const message = (value: unknown, headers: Record<string, string | undefined>): Received => ({
  topic: 't',
  partition: 0,
  offset: 0,
  key: null,
  value: Buffer.from(JSON.stringify(value)),
  headers: Object.fromEntries(
    Object.entries(headers).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, Buffer.from(text)]],
    ),
  ),
});
const byKafka = (received: Received): Said => {
  const decoded = decode(received, { carriers: bundledCarriers(), maskContacts: false, clock: systemClock });
  return decoded.kind === 'dead' ? refused(decoded.detail) : taken(decoded.notes.join('\n'));
};
const header = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? `${value}` : undefined;
const binary = ({ data, ...event }: LooseEvent): Said =>
  byKafka(
    message(data, {
      'content-type': 'application/json',
      traceparent: header(event['traceparent']),
      ...Object.fromEntries(
        ['id', 'type', 'source', 'time', 'appid', 'version'].map((name) => [
          `ce_${name}`,
          header(event[name]),
        ]),
      ),
    }),
  );
const structured = (event: LooseEvent): Said =>
  byKafka(message(event, { 'content-type': 'application/cloudevents+json' }));

const doors: Record<string, (event: LooseEvent) => Promise<Said> | Said> = {
  'SQL enqueue': bySql,
  'SQL offer': byOffer,
  TypeScript: byTypeScript,
  'fahuo check': byCheck,
  'Kafka binary': binary,
  'Kafka structured': structured,
};

/** The field, the rule, and what to do, in the words of each case. */
const words: Record<string, RegExp> = {
  'a time without a zone': /time is "2026-11-27 10:00:00".*zone, like 2026-11-23T10:00:00\+08:00/,
  'a string for a number': /data\.logistics_type is "1".*send a number/,
  'a carrier by its Chinese name': /express_company is "中通快递".*send "ZTO"/,
  'a clear phone for SF': /receiver_contact is "\*+8000".*mask it, or set FAHUO_MASK_CONTACTS=true/,
};

const sayAll = async ({ event }: Case): Promise<[door: string, said: Said][]> => {
  const said: [string, Said][] = [];
  for (const [at, [door, say]] of Object.entries(doors).entries())
    said.push([door, await say(forDoor(event, `d${at}`))]);
  return said;
};

const cell = ({ taken: isTaken, text }: Said): string =>
  !isTaken ? 'refused' : text === '' ? 'taken' : 'taken, noted';

describe('a case that people met', () => {
  const table: Record<string, Record<string, string>> = {};
  afterAll(() => console.table(table));

  it.each(cases.map((one) => [one.name, one] as const))(
    'ends at every door as it should: %s',
    async (name, one) => {
      const said = await sayAll(one);
      table[name] = {
        wanted: one.expect,
        ...Object.fromEntries(said.map(([door, answer]) => [door, cell(answer)])),
      };
      for (const [door, answer] of said) {
        expect([door, answer.taken]).toEqual([door, one.expect !== 'refused']);
        if (!answer.taken)
          expect([door, answer.text]).toEqual([door, expect.stringMatching(words[name] ?? /^$/)]);
      }
      expect(new Set(said.map(([, answer]) => cell(answer))).size).toBe(1);
    },
  );
});
