import { describe, expect, it } from 'vitest';
import { readAdoptFile, type AdoptFile } from '../../../../src/adopt/file.ts';
import {
  applyStatements,
  clientScript,
  planTriggers,
  triggerName,
  undoStatements,
} from '../../../../src/adopt/mysql/triggers.ts';
import type { TableShape } from '../../../../src/adopt/shop.ts';

const fileOf = (watch: string): AdoptFile => {
  const kinds = [...watch.matchAll(/([a-z_]+): [a-z_]+ \}/g)].map((match) => match[1]!);
  const asked = [...new Set(kinds)].map((kind) => `id in (:${kind})`).join(' or ');
  const read = readAdoptFile(
    `{ name: s, dialect: mysql, watch: ${watch}, parts: "select 1 from t where ${asked}" }`,
  );
  if (read.kind === 'problems') throw new TypeError(JSON.stringify(read.problems));
  return read.file;
};

const shape: TableShape = {
  columns: {
    id: { type: 'bigint', nullable: false },
    sn: { type: 'varchar', nullable: true },
    status: { type: 'tinyint', nullable: true },
    code: { type: 'binary', nullable: false },
    flag: { type: 'bit', nullable: false },
  },
  primaryKey: ['id'],
};
const shapes = new Map([['orders', shape]]);
const plan = (watch: string, tables = shapes) => planTriggers(fileOf(watch), tables, 'shop');
const bodies = (watch: string): Record<string, string> =>
  Object.fromEntries(plan(watch).triggers.map(({ event, body }) => [event, body]));

describe('the triggers of MySQL', () => {
  it('insert the key of a new and of a deleted row, and of a changed one only where a watched column changed', () => {
    expect(bodies('[{ table: orders, keys: { order_id: id }, columns: [status, sn] }]')).toEqual({
      INSERT: "BEGIN\n  INSERT INTO `fahuo_touched` (`kind`, `ref`)\n    VALUES ('order_id', NEW.`id`);\nEND",
      UPDATE: `BEGIN
  IF NOT (OLD.\`id\` <=> NEW.\`id\`
    AND OLD.\`status\` <=> NEW.\`status\`
    AND CAST(OLD.\`sn\` AS BINARY) <=> CAST(NEW.\`sn\` AS BINARY)) THEN
    INSERT INTO \`fahuo_touched\` (\`kind\`, \`ref\`)
      VALUES ('order_id', NEW.\`id\`);
    IF NOT (OLD.\`id\` <=> NEW.\`id\`) THEN
      INSERT INTO \`fahuo_touched\` (\`kind\`, \`ref\`)
        VALUES ('order_id', OLD.\`id\`);
    END IF;
  END IF;
END`,
      DELETE: "BEGIN\n  INSERT INTO `fahuo_touched` (`kind`, `ref`)\n    VALUES ('order_id', OLD.`id`);\nEND",
    });
  });

  it('look at every column where the file names none', () => {
    const { UPDATE } = bodies('[{ table: orders, keys: { order_id: id } }]');
    for (const column of Object.keys(shape.columns)) expect(UPDATE).toContain(`NEW.\`${column}\``);
  });

  it('leave a key out that is NULL, cut a long one, and take bytes and bits as texts', () => {
    const at = (column: string): string => bodies(`[{ table: orders, keys: { k: ${column} } }]`)['INSERT']!;
    expect(at('sn')).toContain('IF NEW.`sn` IS NOT NULL THEN\n    INSERT');
    expect(at('sn')).toContain('LEFT(NEW.`sn`, 255)');
    expect(at('code')).toContain('LEFT(HEX(NEW.`code`), 255)');
    expect(at('flag')).toContain('NEW.`flag` + 0)');
    expect(at('id')).not.toContain('IF ');
  });

  it('put two entries of one table into one trigger an event, and a key of both once', () => {
    const { triggers } = plan(
      '[{ table: orders, keys: { order_id: id }, columns: [status] }, { table: orders, keys: { order_id: id, sn: sn }, columns: [flag] }]',
    );
    expect(triggers.map(({ name }) => name)).toEqual([
      'fahuo_orders_ai',
      'fahuo_orders_au',
      'fahuo_orders_ad',
    ]);
    expect(triggers[0]!.body.match(/'order_id'/g)).toHaveLength(1);
    expect(triggers[1]!.body.match(/IF NOT \(OLD\.`id` <=> NEW\.`id`\n/g)).toHaveLength(2);
  });

  it('name a table of another schema, and write into the database of the URL', () => {
    const { triggers } = plan(
      '[{ table: other.orders, keys: { order_id: id } }]',
      new Map([['other.orders', shape]]),
    );
    expect(triggers[0]).toMatchObject({ name: 'other.fahuo_orders_ai', table: 'other.orders' });
    expect(triggers[0]!.body).toContain('INTO `shop`.`fahuo_touched`');
  });

  it('are none for a table that is not there', () => {
    expect(plan('[{ table: nowhere, keys: { order_id: id } }]').triggers).toEqual([]);
  });

  it('have names of at most 64 characters, which two long tables do not share', () => {
    const long = 'a'.repeat(53);
    expect(triggerName(long.slice(0, 55), 'UPDATE')).toBe(`fahuo_${long}_au`);
    const names = ['x', 'y'].map((end) => triggerName('a'.repeat(62) + end, 'UPDATE'));
    expect(names.map((name) => name.length)).toEqual([64, 64]);
    expect(new Set(names).size).toBe(2);
    expect(triggerName('a'.repeat(55), 'UPDATE')).toHaveLength(64);
    expect(triggerName('a'.repeat(56), 'UPDATE')).toMatch(/^fahuo_a{46}_[0-9a-f]{8}_au$/);
  });

  it('have a mark that changes with the file and with the columns of the table', () => {
    const watch = '[{ table: orders, keys: { order_id: id } }]';
    const { comment } = plan(watch);
    expect(comment).toMatch(/^fahuo adopt: s [0-9a-f]{16}$/);
    expect(plan(watch).comment).toBe(comment);
    const wider = new Map([
      ['orders', { ...shape, columns: { ...shape.columns, more: { type: 'int', nullable: true } } }],
    ]);
    expect(plan(watch, wider).comment).not.toBe(comment);
  });
});

describe('the plan', () => {
  const wanted = plan('[{ table: orders, keys: { order_id: id } }]');
  const standing = wanted.triggers.map(({ name, table }) => ({ name, table }));
  const firstWords = (statements: readonly string[]): string[] =>
    statements.map((text) =>
      text
        .replace(/^--[^\n]*\n/, '')
        .split(/[\n(]/)[0]!
        .trim(),
    );

  it('of a first apply makes tables, then triggers, and marks it as done at the end', () => {
    expect(
      firstWords(applyStatements(wanted, { comment: null, triggers: [] }, { canReplace: true })),
    ).toEqual([
      "SET SESSION sql_mode = ''",
      'CREATE TABLE IF NOT EXISTS `fahuo_touched`',
      'CREATE TABLE IF NOT EXISTS `fahuo_answer`',
      'CREATE TRIGGER `fahuo_orders_ai` AFTER INSERT ON `orders` FOR EACH ROW',
      'CREATE TRIGGER `fahuo_orders_au` AFTER UPDATE ON `orders` FOR EACH ROW',
      'CREATE TRIGGER `fahuo_orders_ad` AFTER DELETE ON `orders` FOR EACH ROW',
      `ALTER TABLE \`fahuo_touched\` COMMENT = '${wanted.comment}'`,
    ]);
  });

  it('is empty where everything stands, and makes what is missing alone', () => {
    expect(
      applyStatements(wanted, { comment: wanted.comment, triggers: standing }, { canReplace: true }),
    ).toEqual([]);
    const some = applyStatements(
      wanted,
      { comment: wanted.comment, triggers: standing.slice(1) },
      { canReplace: true },
    );
    expect(firstWords(some).filter((text) => text.includes('TRIGGER'))).toEqual([
      'CREATE TRIGGER `fahuo_orders_ai` AFTER INSERT ON `orders` FOR EACH ROW',
    ]);
  });

  it('replaces the triggers of another file without an instant between them, and drops what is not watched any more', () => {
    const before = {
      comment: 'fahuo adopt: s 0',
      triggers: [...standing, { name: 'fahuo_goods_ai', table: 'goods' }],
    };
    const mariadb = firstWords(applyStatements(wanted, before, { canReplace: true }));
    expect(mariadb.filter((text) => text.startsWith('CREATE OR REPLACE TRIGGER'))).toHaveLength(3);
    expect(mariadb).toContain('DROP TRIGGER IF EXISTS `fahuo_goods_ai`');
    const mysql = firstWords(applyStatements(wanted, before, { canReplace: false })).slice(3, 11);
    expect(mysql.map((text) => text.split(' AFTER')[0])).toEqual([
      'LOCK TABLES `orders` WRITE',
      'DROP TRIGGER `fahuo_orders_ai`',
      'CREATE TRIGGER `fahuo_orders_ai`',
      'DROP TRIGGER `fahuo_orders_au`',
      'CREATE TRIGGER `fahuo_orders_au`',
      'DROP TRIGGER `fahuo_orders_ad`',
      'CREATE TRIGGER `fahuo_orders_ad`',
      'UNLOCK TABLES',
    ]);
  });

  it('of undo drops the triggers before their table', () => {
    expect(undoStatements({ triggers: standing.slice(0, 1) })).toEqual([
      'DROP TRIGGER IF EXISTS `fahuo_orders_ai`',
      'DROP TABLE IF EXISTS `fahuo_touched`',
      'DROP TABLE IF EXISTS `fahuo_answer`',
    ]);
  });

  it('is a script that the mysql client takes: a trigger ends at another sign than a semicolon', () => {
    expect(clientScript(['SET a = 1', 'CREATE TRIGGER t\nBEGIN\n  SELECT 1;\nEND'])).toBe(
      'SET a = 1;\n\nDELIMITER //\nCREATE TRIGGER t\nBEGIN\n  SELECT 1;\nEND //\nDELIMITER ;\n',
    );
  });
});
