import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { checkEnqueuedText, describeNotes } from '../../../src/shipment/offer.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { canonical, sameEvent, sameProblems } from '../../support/contract-verdicts.ts';
import { eventText, receivedText, type Random } from '../../support/event-texts.ts';
import { createRandom } from '../../support/random.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** Every event of the count takes a minute and more: `FAHUO_TEST_EVENTS=100000` for all of them. */
const count = Number(process.env['FAHUO_TEST_EVENTS'] ?? 10_000);
const seed = Number(process.env['FAHUO_TEST_SEED'] ?? 1);
const batchSize = 2_000;

type SqlVerdict = { e: string | null; data: string | null; notes: string | null; problems: string[] | null };
const askSql = async (events: readonly string[]): Promise<SqlVerdict[]> =>
  (
    await database.pool.query<SqlVerdict>(
      `select r.e::text as e, r.data, r.notes, r.problems
       from unnest($1::text[]) with ordinality as t (event, n), fahuo.read_event(t.event) r order by t.n`,
      [events],
    )
  ).rows;

/** What the doors say of an event, to be compared: a text that is made of it, whatever the order of members. */
type Verdict = { valid: boolean; said: string };

function verdictOfSql({ e, data, notes, problems }: SqlVerdict): Verdict {
  if (problems !== null) {
    const told = Array.from({ length: problems.length / 3 }, (_, n) => ({
      field: problems[3 * n] ?? '',
      rule: problems[3 * n + 2] ?? '',
    }));
    return { valid: false, said: sameProblems(told) };
  }
  const event = JSON.parse(e ?? 'null') as { data: unknown };
  expect(canonical(JSON.parse(data ?? 'null'))).toEqual(canonical(event.data));
  return { valid: true, said: sameEvent(event, notes) };
}

function verdictOfTypeScript(text: string): Verdict {
  const checked = checkEnqueuedText(text, { carriers: bundledCarriers() });
  return checked.kind === 'invalid'
    ? { valid: false, said: sameProblems(checked.problems) }
    : {
        valid: true,
        said: sameEvent(JSON.parse(JSON.stringify(checked.event)), describeNotes(checked.notes)),
      };
}

describe('the contract in SQL and in TypeScript', () => {
  it.each([
    [count, 'shipments', eventText],
    [count / 4, 'receipts', receivedText],
  ])(
    'says the same of %i generated %s, good and broken: verdict, fields, rules, and the event that is kept',
    async (count: number, kind: string, write: (random: Random) => string) => {
      const random = createRandom(seed);
      const counts = { taken: 0, noted: 0, refused: 0 };
      const differing: unknown[] = [];
      for (let done = 0; done < count; done += batchSize) {
        const events = Array.from({ length: Math.min(batchSize, count - done) }, () => write(random));
        const answers = await askSql(events);
        for (const [at, text] of events.entries()) {
          const answer = answers[at]!;
          const [sql, typescript] = [verdictOfSql(answer), verdictOfTypeScript(text)];
          counts[!sql.valid ? 'refused' : answer.notes === null ? 'taken' : 'noted'] += 1;
          if (sql.valid !== typescript.valid || sql.said !== typescript.said)
            differing.push({ text: text.slice(0, 3_000), sql, typescript });
        }
        if (differing.length > 10) break;
      }
      console.log(`${count} ${kind}, seed ${seed}: ${JSON.stringify(counts)}, ${differing.length} differing`);
      expect(differing.slice(0, 10)).toEqual([]);
      for (const some of Object.values(counts)) expect(some).toBeGreaterThan(count / 20);
    },
    600_000,
  );
});
