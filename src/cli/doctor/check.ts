import { FahuoError, messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Opened } from '../../opened.ts';
import type { Config } from '../../roles/config.ts';

export type Check = { check: string; ok: boolean; detail: string };
/** What every check may use; what it opens is closed when all have ended. */
export type Doctor = { config: Config; log: Log; opened: Opened };

/** Runs one check; what it throws is its finding. */
export async function examine(check: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check, ok: true, detail: await work() };
  } catch (error) {
    const remedy = error instanceof FahuoError ? ` ${error.remedy}` : '';
    return { check, ok: false, detail: `${messageOf(error).replace(/\.$/, '')}.${remedy}` };
  }
}

export const finding = (message: string, remedy: string): FahuoError =>
  new FahuoError('CHECK_FAILED', message, { remedy });
