import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

/** Paths that could carry a secret or a token; pino replaces them before a line is written. */
const redact = [
  'secret',
  'access_token',
  'token',
  'password',
  '*.secret',
  '*.access_token',
  '*.token',
  '*.password',
];

/** One JSON line per unit of work on stderr; stdout belongs to a command's answer. */
export function createLog(options: { level: string; name?: string }, destination?: DestinationStream): Log {
  return pino(
    {
      level: options.level,
      base: { service: options.name ?? 'fahuo' },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: redact, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 2, sync: false }),
  );
}
