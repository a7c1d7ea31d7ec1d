import { FahuoError, messageOf } from '../errors.ts';

export const defaultEnvFile = '.env';

/**
 * Fills the environment from `path`, or from `.env` of the working folder where there is one. What the environment has
 * already stays. Returns the file that was read.
 */
export function loadEnvFile(path: string | undefined): string | null {
  const file = path ?? defaultEnvFile;
  try {
    process.loadEnvFile(file);
    return file;
  } catch (cause) {
    // A folder of that name is somebody else's, a virtual environment of Python most of the time.
    const absent = ['ENOENT', 'EISDIR'].includes((cause as { code?: string }).code ?? '');
    if (path === undefined && absent) return null;
    throw new FahuoError('CONFIG_INVALID', `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
