import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { checkCombinedText, describeNotes } from '../../../src/shipment/offer.ts';
import { combinedText } from '../../support/combined-texts.ts';
import { sameEvent, sameProblems } from '../../support/contract-verdicts.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createRandom } from '../../support/random.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const count = Number(process.env['FAHUO_TEST_EVENTS'] ?? 2_000);
const seed = Number(process.env['FAHUO_TEST_SEED'] ?? 1);
const batchSize = 1_000;

type Part = { e: unknown; notes: string | null };
type Answer = { parts: Part[] | null; problems: string[] | null };
const askSql = async (events: readonly string[]): Promise<Answer[]> =>
  (
    await database.pool.query<Answer>(
      `select r.parts, r.problems from unnest($1::text[]) with ordinality as t (event, n), fahuo.read_combined(t.event) r
       order by t.n`,
      [events],
    )
  ).rows;

function saidBySql({ parts, problems }: Answer): string {
  if (problems === null) return parts!.map(({ e, notes }) => sameEvent(e, notes)).join('\n');
  const told = Array.from({ length: problems.length / 3 }, (_, n) => ({
    field: problems[3 * n] ?? '',
    rule: problems[3 * n + 2] ?? '',
  }));
  return sameProblems(told);
}

function saidByTypeScript(text: string): string {
  const checked = checkCombinedText(text, { carriers: bundledCarriers() });
  return checked.kind === 'invalid'
    ? sameProblems(checked.problems)
    : checked.parts
        .map(({ event, notes }) => sameEvent(JSON.parse(JSON.stringify(event)), describeNotes(notes)))
        .join('\n');
}

it(`SQL and TypeScript make the same parts, notes and problems of ${count} generated combined events`, async () => {
  const random = createRandom(seed);
  const counts = { taken: 0, noted: 0, refused: 0 };
  const differing: unknown[] = [];
  for (let done = 0; done < count; done += batchSize) {
    const events = Array.from({ length: Math.min(batchSize, count - done) }, () => combinedText(random));
    const answers = await askSql(events);
    for (const [at, text] of events.entries()) {
      const answer = answers[at]!;
      const isNoted = answer.parts?.some(({ notes }) => notes !== null) === true;
      counts[answer.problems !== null ? 'refused' : isNoted ? 'noted' : 'taken'] += 1;
      const [sql, typescript] = [saidBySql(answer), saidByTypeScript(text)];
      if (sql !== typescript) differing.push({ text: text.slice(0, 2_000), sql, typescript });
    }
    if (differing.length > 10) break;
  }
  console.log(
    `${count} combined events, seed ${seed}: ${JSON.stringify(counts)}, ${differing.length} differing`,
  );
  expect(differing.slice(0, 5)).toEqual([]);
  for (const some of Object.values(counts)) expect(some).toBeGreaterThan(count / 20);
}, 300_000);
