import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { FahuoError, messageOf } from '../errors.ts';
import { noUtf8, utf8Text } from '../text.ts';

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
  const text = utf8Text(bytesOf(file));
  if (text === null) throw new FahuoError('CONFIG_INVALID', `${file} ${noUtf8}`);
  // eslint-disable-next-line no-restricted-properties -- it fills what src/roles/config.ts reads
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value;
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new FahuoError('CONFIG_INVALID', `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
