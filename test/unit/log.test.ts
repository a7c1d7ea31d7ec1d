import { describe, expect, it } from 'vitest';
import { createLog, readableLine } from '../../src/log.ts';

const lineOf = (write: (log: ReturnType<typeof createLog>) => void): string => {
  let line = '';
  write(createLog({ level: 'debug' }, { write: (text) => void (line += text) }));
  return line;
};

describe('a log line', () => {
  it('is JSON where no terminal reads it, without secrets', () => {
    const line = lineOf((log) => log.info({ appid: 'wx1', secret: 'hush' }, 'app.paused'));
    expect(JSON.parse(line)).toMatchObject({ msg: 'app.paused', appid: 'wx1', secret: '[redacted]' });
  });

  it('is time, level, event and fields for people', () => {
    const line = lineOf((log) => log.warn({ appid: 'wx1', err: 'no route', retry_in_ms: 5 }, 'app.paused'));
    expect(readableLine(line)).toMatch(
      /^\d\d:\d\d:\d\d WARN {2}app\.paused appid=wx1 err="no route" retry_in_ms=5$/,
    );
  });

  it('leaves out what fills the screen', () => {
    const settings = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`NAME_${i}`, 'value']));
    const line = lineOf((log) => log.info({ settings, roles: ['relay'] }, 'fahuo.starting'));
    expect(readableLine(line)).toMatch(/fahuo\.starting settings=\{…\} roles=\["relay"\]$/);
  });

  it('is painted by its level alone', () => {
    const line = lineOf((log) => log.error('role.failed'));
    expect(readableLine(line, (level) => `<${level}>`)).toMatch(/^\S+ <ERROR> role\.failed$/);
  });
});
