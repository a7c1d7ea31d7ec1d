import { statSync } from 'node:fs';
import { FahuoError, messageOf } from '../errors.ts';

export const defaultEnvFile = '.env';

/**
 * Fills the environment from `path`, or from `.env` of the working folder where there is one. What the environment has
 * already stays.
 */
export function loadEnvFile(path: string | undefined): void {
  // A folder of that name is somebody else's, a virtual environment of Python most of the time.
  const found = statSync(defaultEnvFile, { throwIfNoEntry: false });
  if (path === undefined && (found === undefined || found.isDirectory())) return;
  const file = path ?? defaultEnvFile;
  try {
    process.loadEnvFile(file);
  } catch (cause) {
    throw new FahuoError('CONFIG_INVALID', `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
