import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAlone, createPool, trustedPath } from '../../../db/client.ts';
import { combinedEvent, receivedEvent, shippedEvent } from '../../support/events.ts';
import { createOwnedDatabase, type OwnedDatabase } from '../../support/roles.ts';

let database: OwnedDatabase;
let writerUrl: string;
let serviceUrl: string;
beforeAll(async () => {
  database = await createOwnedDatabase();
  [writerUrl, serviceUrl] = [await database.login('fahuo_writer'), await database.login('fahuo_service')];
});
afterAll(() => database.drop());

/** Runs statements one after the other in one session of a login; the error of the first that fails, or null. */
async function tryAs(url: string, ...statements: string[]): Promise<string | null> {
  const client = await connectAlone(url, 'test');
  try {
    for (const statement of statements) await client.query(statement);
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end();
  }
}

let payments = 0;
const enqueue = (): string => {
  const event = JSON.stringify(shippedEvent({ payment: `right${++payments}` })).replaceAll("'", "''");
  return `select fahuo.enqueue('${event}')`;
};

/** Where a caller's code notes under whose rights it ran. */
const loot = `create table pg_temp.loot (ran_as pg_catalog.text)`;
const thief = (schema: string, name: string, args: string, returns: string, result: string): string =>
  `create function ${schema}.${name}(${args}) returns ${returns} language plpgsql volatile as $f$ begin
     insert into pg_temp.loot values (current_user); return ${result}; end $f$`;

/** Enqueues after `preparation` and returns under whose rights the caller's code ran. */
async function ranAs(url: string, ...preparation: string[]): Promise<string[]> {
  const client = await connectAlone(url, 'test');
  try {
    await client.query(loot);
    await client.query('grant insert on pg_temp.loot to public');
    for (const statement of preparation) await client.query(statement);
    await client.query(enqueue());
    await client.query(enqueue().replace('fahuo.enqueue', 'fahuo.offer'));
    const received = (change: object): string =>
      JSON.stringify({ ...receivedEvent({ payment: `right${++payments}` }), ...change });
    await client.query(`select fahuo.enqueue('${received({})}'), fahuo.offer('${received({ version: 1 })}')`);
    await client.query(`select fahuo.notify_receipt('wx1', 'right${++payments}', now())`);
    const combined = JSON.stringify(combinedEvent([`right${++payments}`, `right${++payments}`]));
    await client.query(`select * from fahuo.enqueue_combined('${combined}')`);
    await client.query(`select * from fahuo.offer_combined('${combined}')`);
    await client.query(
      `select * from fahuo.problems('{"time":"2026-11-23 10:00+08","data":{"shipping_list":[{"item_desc":"\\n"}]}}')`,
    );
    await client.query(`select fahuo.offer('{"id":null,"appid":"a"}')`);
    const { rows } = await client.query<{ ran_as: string }>('select distinct ran_as from pg_temp.loot');
    return rows.map((row) => row.ran_as);
  } finally {
    await database.admin.query('delete from fahuo.refused_offer'); // they are answers, and read as such below
    await client.end();
  }
}

describe('the functions of the schema', () => {
  it('look nowhere but in the system’s schema, and in the caller’s own last, where they run as the owner', async () => {
    const { rows } = await database.admin.query<{ name: string; config: string[] | null; owner: string }>(
      `select p.oid::regprocedure::text as name, p.proconfig as config, pg_get_userbyid(p.proowner) as owner
       from pg_proc p where p.pronamespace = 'fahuo'::regnamespace and p.prosecdef`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(5);
    expect(rows.filter(({ owner }) => owner !== database.owner)).toEqual([]);
    expect(rows.filter(({ config }) => !config?.includes('search_path=pg_catalog, pg_temp'))).toEqual([]);
  });

  it('are for nobody but the owner where they take the path of their caller', async () => {
    const { rows } = await database.admin.query<{ name: string }>(
      `select p.oid::regprocedure::text as name from pg_proc p
       where p.pronamespace = 'fahuo'::regnamespace
         and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
         and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee <> p.proowner))`,
    );
    expect(rows).toEqual([]);
  });

  it('are executable by none but the role that needs them', async () => {
    const { rows } = await database.admin.query<{ name: string; role: string }>(
      `select p.proname as name, r.rolname as role from pg_proc p, pg_roles r
       where p.pronamespace = 'fahuo'::regnamespace and r.rolname in ('fahuo_writer', 'fahuo_service')
         and has_function_privilege(r.oid, p.oid, 'execute') order by 1, 2`,
    );
    const may = (role: string): string[] => rows.filter((row) => row.role === role).map(({ name }) => name);
    expect(may('fahuo_writer')).toEqual([
      'enqueue',
      'enqueue_combined',
      'notify_receipt',
      'offer',
      'offer_combined',
      'problems',
      'trace_receipt',
    ]);
    expect(may('fahuo_service')).toEqual([
      'ask_receipts',
      'ask_traced_receipt',
      'await_outbox',
      'detach_outbox_partition',
      'drop_outbox_moved',
      'drop_outbox_partition',
      'empty_outbox_partition',
      'enqueue',
      'enqueue_combined',
      'insert_acknowledgements',
      'make_outbox_partition',
      'notify_receipt',
      'offer',
      'offer_combined',
      'passed_over',
      'problems',
      'release_passed_over',
      'repair_outbox_default',
      'take_budget',
      'trace_receipt',
    ]);
  });
});

describe('a login with fahuo_writer and nothing else', () => {
  const types =
    'text json jsonb record bool boolean int4 integer int8 bigint numeric float8 timestamptz'.split(' ');

  it.each(types)('runs no code as the owner by a type of its own called %s', async (type) => {
    const base = { boolean: 'bool', integer: 'int4', bigint: 'int8', record: 'text' }[type] ?? type;
    expect(
      await ranAs(
        writerUrl,
        thief('pg_temp', 'check_it', `pg_catalog.${base}`, 'pg_catalog.bool', 'true'),
        `create domain pg_temp."${type}" as pg_catalog.${base} check (pg_temp.check_it(value))`,
      ),
    ).not.toContain(database.owner);
  });

  it('runs no code as the owner by tables, functions and operators of its own, wherever its path looks', async () => {
    await database.admin.query('grant all on schema public to public');
    const path = `set search_path = pg_temp, public, pg_catalog`;
    const functions = [
      thief('public', 'left', 'pg_catalog.text, pg_catalog.int4', 'pg_catalog.text', `'x'`),
      thief('public', 'json_typeof', 'pg_catalog.json', 'pg_catalog.text', `'object'`),
    ];
    const operator = [
      thief('public', 'same', 'pg_catalog.text, pg_catalog.text', 'pg_catalog.bool', 'true'),
      'create operator public.= (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = public.same)',
      thief('public', 'matches', 'pg_catalog.text, pg_catalog.text', 'pg_catalog.bool', 'false'),
      'create operator public.!~ (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = public.matches)',
      thief('public', 'joined', 'pg_catalog.text, pg_catalog.text', 'pg_catalog.text', `'x'`),
      'create operator public.|| (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = public.joined)',
    ];
    const table = [
      'create table pg_temp.outbox (id pg_catalog.int8 default 7)',
      thief('pg_temp', 'fired', '', 'trigger', 'new'),
      'create trigger fired before insert on pg_temp.outbox for each row execute function pg_temp.fired()',
    ];
    try {
      expect(await ranAs(writerUrl, ...functions, ...operator, ...table, path)).toEqual([]);
    } finally {
      await database.admin.query('drop schema public cascade; create schema public');
    }
  });

  it('runs no code as the owner by casts from a type of its own', async () => {
    await database.admin.query('grant all on schema public to public');
    try {
      expect(
        await ranAs(
          writerUrl,
          `create type public.mine as enum ('a')`,
          thief('public', 'as_text', 'public.mine', 'pg_catalog.text', `'x'`),
          'create cast (public.mine as pg_catalog.text) with function public.as_text(public.mine) as implicit',
        ),
      ).toEqual([]);
    } finally {
      await database.admin.query('drop schema public cascade; create schema public');
    }
  });

  it('does not become a superuser', async () => {
    const login = new URL(writerUrl).username;
    const refused = await tryAs(
      writerUrl,
      `create function pg_temp.evil(pg_catalog.text) returns pg_catalog.bool language plpgsql as
         $f$ begin execute 'grant ${database.owner} to ${login}'; return true; end $f$`,
      `create domain pg_temp.text as pg_catalog.text check (pg_temp.evil(value))`,
      enqueue(),
    );
    expect(refused).toBeNull();
    const { rows } = await database.admin.query(`select pg_has_role($1, $2, 'member') as owns`, [
      login,
      database.owner,
    ]);
    expect(rows).toEqual([{ owns: false }]);
  });

  it('may enqueue, read answers and which migrations were applied, and touches no table otherwise', async () => {
    expect(await tryAs(writerUrl, enqueue(), 'select * from fahuo.acknowledgements')).toBeNull();
    const { rows } = await database.admin.query<{ name: string; may: string }>(
      `select c.relname as name, p.privilege as may
       from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p (privilege)
       where c.relnamespace = 'fahuo'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
         and has_table_privilege('fahuo_writer', c.oid, p.privilege) order by 1, 2`,
    );
    expect(rows).toEqual([
      { name: 'acknowledgements', may: 'select' },
      { name: 'events', may: 'select' },
      { name: 'migrations', may: 'select' },
      { name: 'receipts', may: 'select' },
    ]);
    const { rows: sequences } = await database.admin.query(
      `select c.relname from pg_class c where c.relnamespace = 'fahuo'::regnamespace and case when c.relkind = 'S' then has_sequence_privilege('fahuo_writer', c.oid, 'usage, select, update') end`,
    );
    expect(sequences).toEqual([]);
  });

  it.each([
    `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data) values ('a', 'b', 'c', 'd', 'e', 'f', 1, '{}')`,
    `select nextval('fahuo.outbox_id_seq')`,
    'select * from fahuo.upload',
    'select * from fahuo.token',
    'select fahuo.await_outbox(0, 1, 1)',
    'select fahuo.make_outbox_partition(9)',
    `select fahuo.read_event('{}')`,
    `select fahuo.insert_event('{}', '', '')`,
    `select fahuo.refuse_offer('', '{}', '')`,
    `select fahuo.recent_outbox('', '', '', '', 1)`,
    'select fahuo.write_recent_outbox()',
    'select * from fahuo.refused_offer',
    'select * from fahuo.receipt',
    'select * from fahuo.trace',
    `select fahuo.check_receipt('', '')`,
    'select * from fahuo.drawn_version',
    'create table fahuo.mine (id int)',
    'delete from fahuo.migrations',
  ])('is refused %s', async (statement) => {
    expect(await tryAs(writerUrl, statement)).toMatch(/permission denied/);
  });

  it('sees by a function of its own no row that is not final yet', async () => {
    await database.admin.query(
      `truncate fahuo.refused_offer, fahuo.dead_letter;
       insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset", body, body_hash)
       values ('a', 'secret', 1, 'shipped', 'secret', 's', 't', 't', 0, 0, '{}', 'h')`,
    );
    const client = await connectAlone(writerUrl, 'test');
    const told: string[] = [];
    client.on('notice', ({ message }) => told.push(message ?? ''));
    await client.query(
      `create function pg_temp.tell(pg_catalog.text) returns pg_catalog.bool language plpgsql cost 0.0001 as
         $f$ begin raise notice '%', $1; return true; end $f$`,
    );
    await client.query('select * from fahuo.acknowledgements where pg_temp.tell(event_id)');
    await client.end();
    expect(told).toEqual([]);
  });

  it('sees by a function of its own nothing that fahuo.events hides', async () => {
    await database.admin.query(
      `truncate fahuo.upload, fahuo.outbox, fahuo.refused_offer;
       insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
       values ('ack', 'fahuo.shipment.acknowledged.v1', 's', 't', 'a', 'hidden', 1, '{}'),
         ('twin', 'fahuo.shipment.shipped.v1', 's', 't', 'a', 'shown', 1, '{}'),
         ('twin', 'fahuo.shipment.shipped.v1', 's', 't', 'a', 'shown', 1, '{}');
       insert into fahuo.dead_letter (topic, partition, "offset", headers, message_hash, reason, detail, payment, redriven_at)
       values ('t', 0, 0, '{}', 'h', 'invalid', 'unnamed', null, null), ('t', 0, 1, '{}', 'h', 'invalid', 'redriven', 'hidden', now())`,
    );
    const client = await connectAlone(writerUrl, 'test');
    const told: string[] = [];
    client.on('notice', ({ message }) => told.push(message ?? ''));
    await client.query(
      `create function pg_temp.tell(pg_catalog.text) returns pg_catalog.bool language plpgsql cost 0.0001 as
         $f$ begin raise notice '%', $1; return true; end $f$`,
    );
    for (const column of ['event_id', 'transaction_id', 'detail', 'mchid'])
      await client.query(`select * from fahuo.events where pg_temp.tell(${column})`);
    await client.end();
    expect(told.filter((text) => text !== '<NULL>')).toEqual(['twin', 'shown']);
  });
});

describe('a login with fahuo_service', () => {
  it('makes, empties, detaches and drops a partition that the cursor has passed', async () => {
    await database.admin.query('update fahuo.relay_cursor set cursor = 6000000');
    const call = (name: string): string => `select fahuo.${name}_outbox_partition(5)`;
    const steps = ['make', 'empty', 'detach', 'drop'].map(call);
    expect(await tryAs(serviceUrl, ...steps)).toBeNull();
    await database.admin.query('update fahuo.relay_cursor set cursor = 0');
  });

  it.each(['empty', 'detach', 'drop'])(
    'does not %s a partition whose rows may not be published',
    async (name) => {
      const refused = await tryAs(serviceUrl, `select fahuo.${name}_outbox_partition(0)`);
      expect(refused).toMatch(/reaches past the cursor 0/);
    },
  );

  it('does not drop a partition with rows that a person detached', async () => {
    await database.admin.query(
      'select fahuo.make_outbox_partition(6); alter table fahuo.outbox detach partition fahuo.outbox_p6',
    );
    await database.admin.query(
      `insert into fahuo.outbox_p6 (id, event_id, type, source, event_time, appid, payment, version, data)
       values (6000001, 'e', 't', 's', 't', 'a', 'p', 1, '{}')`,
    );
    await database.admin.query('update fahuo.relay_cursor set cursor = 8000000');
    expect(await tryAs(serviceUrl, 'select fahuo.drop_outbox_partition(6)')).toMatch(/has rows/);
    await database.admin.query('update fahuo.relay_cursor set cursor = 0');
  });

  it.each(['-1', 'null', '9000000000000', `'0; drop table fahuo.upload'`])(
    'is refused %s as the number of a partition',
    async (n) => {
      expect(await tryAs(serviceUrl, `select fahuo.make_outbox_partition(${n})`)).toMatch(
        /no number of an outbox partition|invalid input syntax/,
      );
    },
  );

  it('cannot say that other migrations were applied, nor change the schema', async () => {
    expect(await tryAs(serviceUrl, 'delete from fahuo.migrations')).toMatch(/permission denied/);
    expect(await tryAs(serviceUrl, 'create table fahuo.mine (id int)')).toMatch(/permission denied/);
    expect(await tryAs(serviceUrl, 'alter table fahuo.upload add column x int')).toMatch(/must be owner/);
  });

  it('prefers no function of another login to the system’s', async () => {
    await database.admin.query('grant all on schema public to public');
    const client = await connectAlone(writerUrl, 'test');
    await client.query(
      `create function public.length(pg_catalog.varchar) returns pg_catalog.int4 language sql as 'select -1'`,
    );
    await client.end();
    const ask = async (settings: Record<string, string>): Promise<unknown> => {
      const pool = createPool({
        databaseUrl: serviceUrl,
        max: 1,
        applicationName: 'test',
        onError: () => undefined,
        settings,
      });
      const { rows } = await pool.query(`select length('abc'::varchar) as length`).finally(() => pool.end());
      return rows[0];
    };
    try {
      expect(await ask({})).toEqual({ length: -1 }); // what the attack does to a session that looks in public
      expect(await ask(trustedPath)).toEqual({ length: 3 });
    } finally {
      await database.admin.query('drop schema public cascade; create schema public');
    }
  });
});
