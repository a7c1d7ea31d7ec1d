import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { acceptEvents } from '../../support/accept.ts';
import { runCommand } from '../../support/command.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid, shippedEvent, type LooseEvent } from '../../support/events.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), 'fahuo-answers-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});
beforeEach(() =>
  database.pool.query(
    'truncate fahuo.upload, fahuo.upload_repeat, fahuo.attempt, fahuo.outbox, fahuo.dead_letter, fahuo.refused_offer, fahuo.payment, fahuo.serving',
  ),
);

const run = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await database.pool.query<T>(text, values)).rows;
const fahuo = (...words: string[]) => runCommand(words, { DATABASE_URL: database.url });
const json = async (...words: string[]): Promise<unknown> =>
  JSON.parse((await fahuo(...words, '--json')).stdout) as unknown;
const accept = (...events: object[]) => acceptEvents(database.pool, events);
const carried = (event: LooseEvent, express_company: string): LooseEvent => {
  event.data.shipping_list[0]!['express_company'] = express_company;
  return event;
};
const unknownCarrier = (payment: string): LooseEvent =>
  carried(shippedEvent({ payment, id: `${payment}-id` }), 'NEW1');
const letterId = async (): Promise<string> =>
  String((await run<{ id: number }>('select max(id) as id from fahuo.dead_letter'))[0]!.id);
const states = (payment: string) =>
  run('select event_id, state, reason from fahuo.events where transaction_id = $1 order by 1, 2', [payment]);

describe('fahuo dead-letters redrive', () => {
  it('changes nothing without --execute, and nothing of what today’s rules refuse still', async () => {
    await accept(unknownCarrier('p1'));
    const planned = await fahuo('dead-letters', 'redrive', '--payment', 'p1');
    expect(planned).toMatchObject({ code: 0 });
    expect(planned.stdout).toMatch(/still refused: .*express_company is "NEW1"/);
    expect(planned.stdout).toContain('Dry run: 0 of 1 would be redriven');
    expect(await fahuo('dead-letters', 'redrive', '--reason', 'invalid', '--execute')).toMatchObject({
      code: 1,
    });
    expect(await run('select redriven_at from fahuo.dead_letter')).toEqual([{ redriven_at: null }]);
    expect(await run('select 1 from fahuo.upload')).toEqual([]);
  });

  it('takes a letter whose cause was mended, on record, and its upload answers from then on', async () => {
    await accept(unknownCarrier('p1'));
    // As if the list of carriers had had it not, and has it now.
    await run(
      `update fahuo.dead_letter set value = convert_to(replace(convert_from(value, 'UTF8'), 'NEW1', 'SF'), 'UTF8')`,
    );
    expect((await fahuo('dead-letters', 'redrive', '--reason', 'invalid')).stdout).toContain('to be sent');
    expect(await states('p1')).toMatchObject([{ state: 'rejected' }]);
    const done = await fahuo('dead-letters', 'redrive', '--reason', 'invalid', '--execute');
    expect(done).toMatchObject({ code: 0 });
    expect(await states('p1')).toMatchObject([{ event_id: 'p1-id', state: 'waiting' }]);
    expect(
      await run('select redriven_by, redriven_event from fahuo.dead_letter where redriven_at is not null'),
    ).toEqual([{ redriven_by: expect.stringMatching(/./) as string, redriven_event: null }]);
    expect(await fahuo('dead-letters', 'redrive', '--reason', 'invalid', '--execute')).toMatchObject({
      code: 3,
    });
    expect(await fahuo('dead-letters', 'list')).toMatchObject({ code: 3 });
    expect((await fahuo('dead-letters', 'list', '--all')).stdout).toMatch(/redriven .* by /);
    expect(await fahuo('list', '--state', 'dead')).toMatchObject({ code: 3 });
  });

  it('takes a carrier by another name where the instances do', async () => {
    await accept(carried(shippedEvent({ payment: 'p1', id: 'p1-id' }), '中通快递'));
    const redrive = ['dead-letters', 'redrive', '--payment', 'p1', '--execute'];
    expect((await fahuo(...redrive)).stdout).toMatch(/still refused: .*send "ZTO"/);
    const env = { DATABASE_URL: database.url, FAHUO_CARRIER_ALIASES: 'true' };
    expect(await runCommand(redrive, env)).toMatchObject({ code: 0 });
    expect(await run('select state, notes from fahuo.events')).toEqual([
      { state: 'waiting', notes: 'data.shipping_list[0].express_company: taken as ZTO' },
    ]);
  });

  it('offers an edited event, shows what was changed, and keeps it', async () => {
    await accept(unknownCarrier('p1'));
    const id = await letterId();
    const file = join(folder, 'event.json');
    const { stdout } = await fahuo('dead-letters', 'show', id, '--event');
    expect(JSON.parse(stdout)).toMatchObject({ id: 'p1-id', version: 1, appid });
    writeFileSync(file, stdout.replace('NEW1', 'SF'));
    const planned = await fahuo('dead-letters', 'redrive', id, '--edit', file);
    expect(planned.stdout).toMatch(/- +"express_company": "NEW1",\n +\+ +"express_company": "SF",/);
    expect(await fahuo('dead-letters', 'redrive', id, '--edit', file, '--execute')).toMatchObject({
      code: 0,
    });
    expect(await states('p1')).toMatchObject([{ event_id: 'p1-id', state: 'waiting' }]);
    const [kept] = await run<{ event: string }>('select redriven_event as event from fahuo.dead_letter');
    expect(kept!.event).toContain('"SF"');
    expect((await fahuo('dead-letters', 'show', id)).stdout).toContain('redriven as');
  });

  it('makes a conflict’s new version of a letter, and answers for both', async () => {
    await accept(
      shippedEvent({ payment: 'p1', id: 'a' }),
      carried(shippedEvent({ payment: 'p1', id: 'b' }), 'ZTO'),
    );
    const id = await letterId();
    expect((await fahuo('dead-letters', 'redrive', id)).stdout).toMatch(
      /still refused: version 1 of this payment/,
    );
    const file = join(folder, 'next.json');
    const { stdout } = await fahuo('dead-letters', 'show', id, '--event');
    writeFileSync(file, stdout.replace('"version": 1', '"version": 2'));
    expect(await fahuo('dead-letters', 'redrive', id, '--edit', file, '--execute')).toMatchObject({
      code: 0,
    });
    expect(await states('p1')).toMatchObject([
      { event_id: 'a', state: 'waiting' },
      { event_id: 'b', state: 'waiting', reason: expect.stringMatching(/./) as string },
    ]);
  });

  it('wants to know which letters, and one alone to edit', async () => {
    expect(await fahuo('dead-letters', 'redrive')).toMatchObject({ code: 2 });
    expect((await fahuo('dead-letters', 'redrive', '--reason', 'invald')).stderr).toContain(
      'Did you mean invalid?',
    );
    await accept(unknownCarrier('p1'), unknownCarrier('p2'));
    const file = join(folder, 'one.json');
    writeFileSync(file, JSON.stringify(shippedEvent()));
    expect(await fahuo('dead-letters', 'redrive', '--reason', 'invalid', '--edit', file)).toMatchObject({
      code: 2,
    });
    writeFileSync(file, 'not json');
    expect(await fahuo('dead-letters', 'redrive', await letterId(), '--edit', file)).toMatchObject({
      code: 2,
    });
  });
});

const park = (eventId: string, reason = 'conflict') =>
  run(
    `update fahuo.upload set state = 'parked', park_reason = $2::fahuo.park_reason, detail = 'WeChat holds other content', next_attempt_at = 'infinity'
     where event_id = $1`,
    [eventId, reason],
  );

describe('fahuo resolve', () => {
  it.each(['acknowledged', 'rejected'])('ends a parked event as %s, with who, when and why', async (as) => {
    await accept(shippedEvent({ payment: 'p1', id: 'e1' }));
    await park('e1');
    const { code, stdout } = await fahuo('resolve', 'p1', '--as', as, '--reason', 'seen in the console');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Nothing was sent/) as string,
    });
    expect(
      await run(
        'select state::text, attempts, detail, resolved_by is not null as by, finished_at is not null as at from fahuo.upload',
      ),
    ).toEqual([
      {
        state: as,
        attempts: 1, // so that the next version is read before it is written (P5)
        detail: expect.stringMatching(
          /^resolved as .* by .*: seen in the console; it was parked as conflict: WeChat holds other content$/,
        ) as string,
        by: true,
        at: true,
      },
    ]);
    const [ack] = await run<{ data: string }>(`select data from fahuo.outbox`);
    expect(JSON.parse(ack!.data)).toMatchObject({ event_id: 'e1', state: as, reason: 'resolved' });
    expect(await states('p1')).toMatchObject([{ state: as, reason: 'resolved' }]);
    expect(await fahuo('list', '--state', 'rejected')).toMatchObject({ code: 3 });
  });

  it('leaves alone what moves by itself, and asks which where several are parked', async () => {
    await accept(
      shippedEvent({ payment: 'p1', id: 'e1' }),
      shippedEvent({ payment: 'p1', id: 'e2', version: 2 }),
    );
    const words = ['resolve', 'p1', '--as', 'rejected', '--reason', 'r'];
    const pending = await fahuo(...words);
    expect(pending).toMatchObject({ code: 3 });
    expect(pending.stdout).toContain('v1 pending event e1');
    await park('e1');
    await park('e2');
    const several = await fahuo(...words);
    expect(several).toMatchObject({ code: 2 });
    expect(several.stderr).toContain('v2 parked (conflict) event e2');
    expect(await fahuo(...words, '--version', '2')).toMatchObject({ code: 0 });
    expect(await fahuo(...words, '--version=2')).toMatchObject({ code: 3 });
    expect(await run(`select event_id from fahuo.upload where state = 'parked'`)).toEqual([
      { event_id: 'e1' },
    ]);
  });

  it('does not wait for whoever works on the row, and says so', async () => {
    await accept(shippedEvent({ payment: 'p1', id: 'e1' }));
    await park('e1');
    const holder = await database.pool.connect();
    await holder.query('begin; select from fahuo.upload for update');
    expect(await fahuo('resolve', 'p1', '--as', 'rejected', '--reason', 'r')).toMatchObject({ code: 1 });
    await holder.query('rollback');
    holder.release();
  });

  it.each([
    [['--as', 'done', '--reason', 'r'], 'not one of acknowledged, rejected'],
    [['--as', 'rejected', '--reason', ' '], 'must say why'],
  ])('refuses %s', async (flags, saying) => {
    const { code, stderr } = await fahuo('resolve', 'p1', ...flags);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(saying) as string });
  });
});

describe('fahuo list', () => {
  it('says of each event why, since when, what next and the remedy, whole', async () => {
    await accept(shippedEvent({ payment: 'p1', id: 'e1' }), shippedEvent({ payment: 'p2', id: 'e2' }));
    await run(`update fahuo.upload set received_at = now() - interval '3 hours' where event_id = 'e1'`);
    const { code, stdout } = await fahuo('list', '--state', 'pending', '--older-than', '2h');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^p1 {2}v1 {2}event e1 {2}app wx\w+\n {4}pending \(app_not_served\) for 3h/);
    expect(stdout).toMatch(/\n {4}remedy: let an instance serve this appid .*\n$/);
    expect(stdout).not.toContain('e2');
  });

  it('narrows by reason, app and limit, and matches nothing with exit code 3', async () => {
    await accept(
      ...[1, 2, 3].map((n) => shippedEvent({ payment: `p${n}`, id: `e${n}` })),
      shippedEvent({ payment: 'other', id: 'other', appid: 'wx1111111111111111' }),
    );
    await park('e2', 'unreadable');
    const eventIds = async (...words: string[]) =>
      ((await json('list', ...words)) as { eventId: string }[]).map(({ eventId }) => eventId);
    expect(await eventIds('--state', 'parked')).toEqual(['e2']);
    expect(await eventIds('--state', 'parked', '--reason', 'conflict')).toEqual([]);
    expect(await eventIds('--state', 'pending', '--app', appid)).toEqual(['e1', 'e3']);
    expect(await eventIds('--state', 'pending', '--limit', '2')).toHaveLength(2);
    expect(await fahuo('list', '--state', 'unknown')).toMatchObject({ code: 3 });
    expect((await fahuo('list', '--state', 'paked')).stderr).toContain('Did you mean parked?');
    expect(await fahuo('list', '--state', 'parked', '--older-than', 'yesterday')).toMatchObject({ code: 2 });
    expect(await fahuo('list', '--state', 'parked', '--older-than', '9999999999d')).toMatchObject({
      code: 2,
    });
    expect((await fahuo('list', '--state', 'parked', '--reason', 'conflct')).stderr).toContain(
      'Did you mean conflict?',
    );
    expect(await fahuo('list', '--state', 'dead', '--reason', 'due')).toMatchObject({ code: 2 });
  });

  it('lists as broken what is, and not what was mended since', async () => {
    const bad = (payment: string): LooseEvent => ({
      ...shippedEvent({ payment, id: `${payment}-bad` }),
      version: '1',
    });
    await accept(
      bad('p1'),
      bad('p2'),
      bad('p3'),
      shippedEvent({ payment: 'p4', id: 'e4' }),
      shippedEvent({ payment: 'p5', id: 'e5' }),
    );
    await run(`update fahuo.upload set state = 'rejected', finished_at = now()`);
    await accept(
      shippedEvent({ payment: 'p1', id: 'p1-bad' }), // in order, under its id
      shippedEvent({ payment: 'p2', id: 'p2-next', version: 2 }),
      shippedEvent({ payment: 'p4', id: 'e4-next', version: 2 }),
    );
    await run(`update fahuo.upload set state = 'acknowledged', finished_at = now() where version = 2`);
    expect(await json('list', '--state', 'dead')).toMatchObject([{ eventId: 'p3-bad', reason: 'invalid' }]);
    expect(await json('list', '--state', 'rejected')).toMatchObject([{ eventId: 'e5', reason: 'refused' }]);
  });
});

describe('fahuo show', () => {
  it('prints what each attempt sent, what the door changed, and what was refused', async () => {
    await accept(shippedEvent({ payment: 'p1', id: 'e1' }), {
      ...shippedEvent({ payment: 'p1', id: 'bad' }),
      version: 0,
    });
    await run(`update fahuo.upload set notes = 'mchid was left out', attempts = 2`);
    await run(
      `insert into fahuo.attempt (upload_id, number, kind, outcome, upload_time)
       select id, n, 'send', 'unknown', ('2026-11-23T10:00:00.00' || n || '+08:00')::timestamptz from fahuo.upload, generate_series(1, 2) n`,
    );
    await run(
      `insert into fahuo.refused_offer (event, bytes, event_id, payment, detail) values ('{}', 2, 'offer', 'p1', 'appid is missing')`,
    );
    const { stdout } = await fahuo('show', 'p1');
    expect(stdout).toMatch(/sent: \{.*"upload_time":"2026-11-23T10:00:00.001\+08:00"\}\n.*send #1/);
    expect(stdout).toMatch(/sent: \{.*"upload_time":"2026-11-23T10:00:00.002\+08:00"\}\n.*send #2/);
    expect(stdout).toContain('changed at the door: mchid was left out');
    expect(stdout).toMatch(/dead letter \d+ {2}invalid/);
    expect(stdout).toMatch(/refused offer \d+ .*event offer .*\n {4}appid is missing/);
  });

  it('tells where the money is, also of a payment that WeChat alone knows, by either name', async () => {
    await run(
      `insert into fahuo.payment (appid, transaction_id, mchid, out_trade_no, amount_fen, order_state, settled_at)
       values ($1, 'told', '19000', 'order-1', 12000, 1, null), ($1, 'p1', '19000', 'order-2', null, 4, '2026-11-30T10:00:00Z')`,
      [appid],
    );
    for (const name of ['told', '19000:order-1']) {
      const { code, stdout } = await fahuo('show', name);
      expect(code).toBe(0);
      expect(stdout).toMatch(/at WeChat {2}\S+ {2}to ship {2}120\.00 yuan/);
      expect(stdout).toContain('no event here names it');
    }
    await accept(shippedEvent({ payment: 'p1' }));
    const { stdout } = await fahuo('show', 'p1');
    expect(stdout).toMatch(/complete {2}settled 2026-11-30T10:00:00\.000Z/);
    expect(stdout).not.toContain('no event here');
    expect(await json('show', 'told')).toMatchObject({ told: [{ amountFen: 12_000, orderState: 1 }] });
    expect(await fahuo('show', 'unheard-of')).toMatchObject({ code: 3 });
  });
});
