import type { Pool } from '../../db/client.ts';
import type { Admin } from '../kafka/admin.ts';
import type { Log } from '../log.ts';
import { whileOpen, type Opened } from '../opened.ts';
import { readConfig, type Config } from '../roles/config.ts';
import { openAdmin, openLog, openPool } from '../roles/services.ts';

/** What most commands work with; it is closed when the command ends, however it ends. */
export type Session = { config: Config; log: Log; pool: Pool; opened: Opened };

export function withDatabase<T>(
  options: { max: number; keyLookups?: boolean },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const config = readConfig();
  const log = openLog(config);
  return whileOpen(log, async (opened) => {
    const pool = opened.add('postgres', await openPool(config, log, options), (it) => it.end());
    return work({ config, log, pool, opened });
  });
}

export const addAdmin = ({ config, log, opened }: Omit<Session, 'pool'>): Admin =>
  opened.add('kafka admin', openAdmin(config, log), (it) => it.close());
