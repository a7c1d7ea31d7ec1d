import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptEvents } from '../../support/accept.ts';
import { runCommand } from '../../support/command.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), 'fahuo-files-'));
  // A letter for --edit to be asked of.
  await acceptEvents(database.pool, [{ ...shippedEvent({ payment: 'letter' }), version: '1' }]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

const commands = [['check'], ['enqueue'], ['dead-letters', 'redrive', '--payment', 'letter', '--edit']];
const fahuo = (words: readonly string[], file: string) =>
  runCommand([...words, file], { DATABASE_URL: database.url });
const fileOf = (name: string, ...parts: (string | Buffer)[]): string => {
  const file = join(folder, name);
  writeFileSync(file, Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  return file;
};
const text = (payment: string): string => JSON.stringify(shippedEvent({ payment }));
/** 苹果 as editors of Windows in China keep it. */
const inGbk = (payment: string): Buffer[] => {
  const [before = '', after = ''] = text(payment).split('红富士苹果');
  return [Buffer.from(before), Buffer.from('c6bbb9fb', 'hex'), Buffer.from(after)];
};

describe.each(commands.map((words) => [words.join(' '), words] as const))('%s', (_, words) => {
  it.each([
    ['GBK', () => inGbk('gbk')],
    ['UTF-16', () => [Buffer.from(`\ufeff${text('utf16')}`, 'utf16le')]],
    ['a character cut in half at its end', () => [text('cut'), '\n', Buffer.from([0xe6, 0x9e])]],
  ])('refuses a file in %s: the buyer would read what nobody wrote', async (_name, parts) => {
    const { code, stderr } = await fahuo(words, fileOf('wrong', ...parts()));
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/wrong is no UTF-8 text: save it as UTF-8/) as string,
    });
    const { rowCount } = await database.pool.query(
      `select from fahuo.outbox where payment in ('gbk', 'utf16', 'cut')`,
    );
    expect(rowCount).toBe(0);
  });

  it('passes over a byte order mark', async () => {
    const payment = `ok${words.length}`;
    expect(await fahuo(words, fileOf('marked', '\ufeff', text(payment), '\n'))).toMatchObject({ code: 0 });
  });

  it.each(['/nowhere.json', tmpdir()])('says of %s that it cannot be read', async (file) => {
    const { code, stderr } = await fahuo(words, file);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/cannot be read: E(NOENT|ISDIR)/) as string,
    });
  });
});

it('enqueue takes lines of every length and end, and characters that lie on both sides of a chunk', async () => {
  const events = Array.from({ length: 300 }, (_, n) => {
    const event = shippedEvent({ payment: `ok-many-${n}` });
    event.data.shipping_list[0]!['item_desc'] = '果'.repeat(n % 100 || 1);
    return event;
  });
  const lines = events.map((event, n) => JSON.stringify(event) + (n % 2 === 0 ? '\r\n' : '\n\n'));
  const { stdout } = await fahuo(['enqueue'], fileOf('many', ...lines, text('ok-many-last')));
  expect(stdout).toBe('301 events enqueued.\n');
  const { rows } = await database.pool.query<{ text: string }>(
    `select data::json #>> '{shipping_list,0,item_desc}' as text from fahuo.outbox where payment ~ '^ok-many-[0-9]' order by id`,
  );
  expect(rows.map((row) => row.text)).toEqual(
    events.map((event) => event.data.shipping_list[0]!['item_desc']),
  );
});
