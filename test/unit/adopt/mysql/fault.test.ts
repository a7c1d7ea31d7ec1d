import { describe, expect, it } from 'vitest';
import { endsSession, faultKind } from '../../../../src/adopt/mysql/fault.ts';
import {
  identifier,
  literal,
  literals,
  moment,
  tableIdentifier,
} from '../../../../src/adopt/mysql/literal.ts';
import { partsStatement } from '../../../../src/adopt/mysql/store.ts';

const server = (errno: number, sqlState: string, fatal = false) =>
  Object.assign(new Error('x'), { errno, sqlState, fatal });

describe('an error of MySQL', () => {
  it.each([
    ['no connection', Object.assign(new Error('x'), { errno: -111, code: 'ECONNREFUSED' }), 'lost'],
    [
      'a broken connection',
      Object.assign(new Error('x'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true }),
      'lost',
    ],
    ['too many connections', server(1040, '08004', true), 'lost'],
    ['a shutdown', server(1053, '08S01'), 'lost'],
    ['a killed connection', server(1927, '70100'), 'lost'],
    ['a wrong password', server(1045, '28000', true), 'login_refused'],
    ['a database that is missing', server(1049, '42000', true), 'login_refused'],
    ['read_only', server(1290, 'HY000'), 'read_only'],
    ['a deadlock', server(1213, '40001'), 'busy'],
    ['a lock wait', server(1205, 'HY000'), 'busy'],
    ['a table that may not be read', server(1142, '42000'), 'denied'],
    ['a table that is missing', server(1146, '42S02'), 'statement'],
    ['a column that is missing', server(1054, '42S22'), 'statement'],
    ['a write', server(1792, '25006'), 'statement'],
    ['too long', server(1969, '70100'), 'content'],
    ['too long, on MySQL', server(3024, 'HY000'), 'content'],
    ['a killed query', server(1317, '70100'), 'content'],
    ['two rows for one', server(1242, '21000'), 'content'],
    ['a number out of range', server(1690, '22003'), 'content'],
    ['JSON that is none', server(3141, '22032'), 'content'],
    ['what nobody has seen', server(9999, 'HY000'), 'content'],
    ['a signal of a function', server(1644, '45000'), 'content'],
  ] as const)('of %s', (_name, error, kind) => {
    expect(faultKind(error)).toBe(kind);
  });

  it('ends the session where another server may be the one to talk to', () => {
    expect(endsSession(server(1290, 'HY000'))).toBe(true);
    expect(endsSession(server(1205, 'HY000'))).toBe(false);
    expect(endsSession(undefined)).toBe(true);
  });
});

describe('names and values in a statement', () => {
  it('mean the same in every mode', () => {
    expect(identifier('a`b')).toBe('`a``b`');
    expect(tableIdentifier('shop.orders')).toBe('`shop`.`orders`');
    expect(literal('SF-1 2')).toBe("'SF-1 2'");
    expect(literal('')).toBe("''");
    expect(literal(null)).toBe('NULL');
    expect(literal("a'")).toBe('_utf8mb4 0x6127');
    expect(literal('\\')).toBe('_utf8mb4 0x5c');
    expect(literal('发')).toBe('_utf8mb4 0xe58f91');
    expect(literal('a\n')).toBe('_utf8mb4 0x610a');
    expect(literals([])).toBe('NULL');
    expect(literals(['1', '2'])).toBe("'1', '2'");
    expect(moment(Date.UTC(2026, 8, 1, 3, 4, 5, 6))).toBe('2026-09-01 03:04:05.006');
  });

  it('are put where the parts query asks for its keys, each once', () => {
    expect(
      partsStatement(
        'select * from o where id IN ( :order_id ) union select * from r where id in (:top_up);\n',
        [
          { kind: 'order_id', ref: '9007199254740993' },
          { kind: 'order_id', ref: '9007199254740993' },
          { kind: 'order_id', ref: '$&' },
        ],
      ),
    ).toBe("select * from o where id IN ('9007199254740993', '$&') union select * from r where id in (NULL)");
  });
});
