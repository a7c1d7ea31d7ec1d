import { describe, expect, it } from 'vitest';
import { blameOf } from '../../../db/blame.ts';

describe('an error of a write', () => {
  it.each(['22003', '22021', '23502', '54000', 'P0001', '21000'])('is about its rows (%s)', (code) => {
    expect(blameOf({ code })).toBe('rows');
  });

  it('is about its rows where a check has a name', () => {
    expect(blameOf({ code: '23514', constraint: 'outbox_data_fits_kafka' })).toBe('rows');
  });

  it.each(['XX000', 'XX001', 'XX002'])('is of a damaged table (%s)', (code) => {
    expect(blameOf({ code })).toBe('damage');
  });

  it.each('08006 0A000 25006 26000 28P01 3D000 3F000 40P01 42501 53100 55P03 57P01 57014 58030'.split(' '))(
    'is about the server (%s)',
    (code) => {
      expect(blameOf({ code })).toBe('server');
    },
  );

  it('is about the server where a partition is missing: every row meets that', () => {
    expect(blameOf({ code: '23514' })).toBe('server');
  });

  it.each(['EPIPE', 'ECONNREFUSED', 'ENOTFOUND', 'ERR_SSL_WRONG_VERSION_NUMBER', 'CERT_HAS_EXPIRED'])(
    'is of the way to the server (%s)',
    (code) => {
      expect(blameOf(Object.assign(new Error('x'), { code }))).toBe('server');
    },
  );

  it.each([
    'Connection terminated',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Query read timeout',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'Cannot use a pool after calling end on the pool',
    'Received unexpected commandComplete message from backend.',
    'The server does not support SSL connections',
  ])('is of the way to the server (pg: %s)', (message) => {
    expect(blameOf(new Error(message))).toBe('server');
  });

  it('is our own in all other cases', () => {
    const thrown = (run: () => unknown): unknown => {
      try {
        return run();
      } catch (error) {
        return error;
      }
    };
    const own = [
      thrown(() => (null as unknown as Buffer).length),
      thrown(() => new Date(NaN).toISOString()),
      thrown(() => Buffer.from(7 as unknown as string)),
      new Error('circular reference detected'),
      { code: 7 },
      null,
      undefined,
      'text',
    ];
    for (const error of own) expect(blameOf(error)).toBe('rows');
  });
});
