import { vi } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { explain } from '../../src/cli/wrong.ts';

export type Answered = { code: number; stdout: string; stderr: string };

/** Runs a command in this process, since a start costs a second of CPU; without a `.env` of the folder. */
export async function runCommand(words: readonly string[], env: Record<string, string>): Promise<Answered> {
  return captured({ ...env, FAHUO_LOG_LEVEL: 'silent' }, async () => {
    const program = await createProgram(words);
    const all = [...words, '--env-file', '/dev/null'];
    try {
      await program.parseAsync(all, { from: 'user' });
      return [];
    } catch (error) {
      const { exitCode, lines } = explain(error, program, all);
      process.exitCode = exitCode;
      return lines;
    }
  });
}

/** What `work` writes to stdout and how it would end the process; the test's own environment and exit code stay. */
export async function captured(
  env: Record<string, string>,
  work: () => Promise<string[]>,
): Promise<Answered> {
  const before = { env: process.env, exitCode: process.exitCode };
  let stdout = '';
  const writing = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  process.env = { PATH: before.env['PATH'], ...env };
  process.exitCode = 0;
  try {
    const lines = await work();
    return { code: process.exitCode, stdout, stderr: lines.join('\n') };
  } finally {
    writing.mockRestore();
    process.env = before.env;
    process.exitCode = before.exitCode;
  }
}
