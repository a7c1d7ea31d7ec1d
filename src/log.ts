import { styleText } from 'node:util';
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

/**
 * One line per unit of work on stderr; stdout belongs to a command's answer. A terminal has lines for people, anything
 * else has JSON.
 */
export function createLog(options: { level: string; name?: string }, destination?: DestinationStream): Log {
  return pino(
    {
      level: options.level,
      base: { service: options.name ?? 'fahuo' },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: redact, censor: '[redacted]' },
    },
    destination ?? (process.stderr.isTTY ? terminal : pino.destination({ dest: 2, sync: false })),
  );
}

const terminal: DestinationStream = {
  write: (line) => void process.stderr.write(`${readableLine(line, paint)}\n`),
};

type Paint = (level: string) => string;

/** Colour where the terminal shows it and NO_COLOR does not forbid it. */
const paint: Paint = (level) =>
  level.startsWith('WARN')
    ? styleText('yellow', level, { stream: process.stderr })
    : /^(ERROR|FATAL)/.test(level)
      ? styleText('red', level, { stream: process.stderr })
      : level;

const longestValue = 200;

/** A line of JSON for people: time, level, what happened, and its fields. Pure. */
export function readableLine(json: string, painted: Paint = (level) => level): string {
  const { level, time, msg, service: _service, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const label = (pino.levels.labels[Number(level)] ?? String(level)).toUpperCase().padEnd(5);
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${shownValue(value)}`);
  return [clockTime(String(time)), painted(label), String(msg), ...shown].join(' ');
}

function shownValue(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value;
  const text = JSON.stringify(value);
  return text.length > longestValue && typeof value === 'object' ? '{…}' : text;
}

/** By the clock of who reads it. */
const clockTime = (iso: string): string => new Date(iso).toTimeString().slice(0, 8);
