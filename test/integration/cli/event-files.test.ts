import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptEvents } from '../../support/accept.ts';
import { runCommand } from '../../support/command.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { combinedEvent, shippedEvent } from '../../support/events.ts';

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

describe('a file with a combined event', () => {
  const combined = (id: string, payments: string[]) =>
    combinedEvent(payments, { id, time: '2026-11-23 10:00+0800' });

  it('is checked: where a problem of a part stands, and what was changed in which part', async () => {
    const broken = combined('broken', ['ok-a', 'ok-b']);
    broken.data.sub_orders[1]!['delivery_mode'] = '1';
    const noted = combined('noted', ['ok-a', 'ok-b']);
    noted.data.sub_orders[1]!['order_key'] = { order_number_type: 2, transaction_id: 'ok-b', mchid: '19' };
    const file = fileOf(
      'combined',
      [text('ok-1'), ...[broken, noted].map((one) => JSON.stringify(one))].join('\n'),
    );
    const { code, stdout } = await fahuo(['check'], file);
    expect({ code, lines: stdout.trim().split('\n') }).toEqual({
      code: 1,
      lines: [
        'line 1: ok',
        'line 2: data.sub_orders[1].delivery_mode is "1": must be the number 1 unified or 2 split: send a number, not a string',
        'line 3: ok',
        'line 3: taken, time: read as 2026-11-23T10:00:00+08:00',
        'line 3: taken, data.sub_orders[1].order_key.mchid: WeChat ignores it for order_number_type 2; left out',
        '3 events checked: 1 with problems.',
      ],
    });
  });

  it('that has the id of another content is refused in two lines, and nothing is written', async () => {
    const first = fileOf('first', text('used-1'));
    expect((await fahuo(['enqueue'], first)).code).toBe(0);
    const again = fileOf('again', text('fresh-1'), '\n', text('used-1').replace('SF', 'SG'));
    const { code, stderr } = await fahuo(['enqueue'], again);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^fahuo: line 2: .*other content.*\(EVENT_INVALID\)$/) as string,
      'Nothing was written. Give other content a new id and the next version, or none.',
    ]);
    const { rows } = await database.pool.query(`select from fahuo.outbox where payment = 'fresh-1'`);
    expect(rows).toEqual([]);
  });

  it('is enqueued as its parts', async () => {
    const file = fileOf('parts', JSON.stringify(combined('parts', ['ok-p1', 'ok-p2'])), '\n', text('ok-p3'));
    const { code, stdout } = await fahuo(['enqueue'], file);
    expect({ code, stdout: stdout.trim() }).toEqual({ code: 0, stdout: '3 events enqueued.' });
    const { rows } = await database.pool.query(
      `select event_id from fahuo.outbox where event_id like 'parts#%' order by event_id`,
    );
    expect(rows).toEqual([{ event_id: 'parts#ok-p1' }, { event_id: 'parts#ok-p2' }]);
  });
});
