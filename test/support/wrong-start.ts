import { expect } from 'vitest';
import { runCommand } from './command.ts';

/** What a start that fails says: two lines, exit 1, no stack. `fahuo doctor` must say the same. */
export async function wrongStart(env: Record<string, string>, check: string): Promise<string> {
  const started = await runCommand(['run', '--roles', 'relay,consume,upload'], env);
  expect(started).toMatchObject({ code: 1, stdout: '' });
  const lines = started.stderr.split('\n');
  expect(lines).toHaveLength(2);
  const asked = await runCommand(['doctor', '--json'], env);
  expect(asked.code).toBe(1);
  const { checks } = JSON.parse(asked.stdout) as { checks: { check: string; ok: boolean; detail: string }[] };
  const detail = checks.find((one) => one.check === check)?.detail ?? '';
  const [, said = '', code = ''] = /^fahuo: (.*) \((\w+)\)$/.exec(lines[0] ?? '') ?? [];
  expect(detail).toBe(`${said}. ${lines[1] ?? ''}`);
  expect(['TLS_FAILED', 'LOGIN_REFUSED']).toContain(code);
  return lines.join('\n');
}

/** The same for settings that are wrong by themselves: nothing is opened, and doctor says it in the same words. */
export async function wrongSetting(env: Record<string, string>): Promise<string> {
  const { code, stderr } = await runCommand(['run', '--roles', 'relay,consume,upload'], env);
  expect(code).toBe(1);
  expect(stderr.split('\n')).toHaveLength(2);
  expect(stderr).toContain('(CONFIG_INVALID)');
  return stderr.split('\n')[0] ?? '';
}
