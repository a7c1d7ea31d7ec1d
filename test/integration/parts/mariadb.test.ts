import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startMariadb } from '../../../src/parts/mariadb.ts';
import type { LocalService } from '../../../src/parts/process.ts';

let dir: string;
let server: LocalService | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fahuo-mariadb-'));
  chmodSync(dir, 0o755);
});
afterEach(async () => {
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function ask(statement: string): Promise<unknown> {
  const connection = await createConnection(server!.url);
  try {
    return (await connection.query(statement))[0];
  } finally {
    await connection.end();
  }
}

describe('a MariaDB of our own', () => {
  it('keeps what was committed when it is killed and comes back on its port', async () => {
    server = await startMariadb(dir);
    await ask('create table kept (word varchar(20)) engine=InnoDB');
    await ask("insert into kept values ('发货')");
    await server.kill();
    await server.restart();
    expect(await ask('select word from kept')).toEqual([{ word: '发货' }]);
    expect(await ask('select @@innodb_flush_log_at_trx_commit as durable, @@log_bin as log')).toEqual([
      { durable: 1, log: 0 },
    ]);
  });

  it('has a binary log in the format that is asked for', async () => {
    server = await startMariadb(dir, { binlogFormat: 'STATEMENT' });
    expect(await ask('select @@log_bin as log, @@binlog_format as format')).toEqual([
      { log: 1, format: 'STATEMENT' },
    ]);
  });

  it('comes from Maven where the machine has none', async () => {
    server = await startMariadb(dir, { from: 'packed' });
    expect(await ask('select version() as version')).toEqual([{ version: '11.4.5-MariaDB' }]);
  });
});
