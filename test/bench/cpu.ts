import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100; // CLK_TCK on every Linux that Node runs on

type Stat = { parent: number; ownMs: number; reapedMs: number };

/** One process of /proc; null when it is gone, or where there is no /proc. */
function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold blanks and brackets: the fields begin behind its last bracket.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ms = (at: number): number => (Number(fields[at]) * 1_000) / ticksPerSecond;
    return { parent: Number(fields[1]), ownMs: ms(11) + ms(12), reapedMs: ms(13) + ms(14) };
  } catch {
    return null;
  }
}

/** Milliseconds of CPU that a process and its children have used so far, those that have ended included. */
export function cpuMsOf(pid: number): number {
  const own = statOf(pid);
  if (own === null) return Number.NaN;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat?.parent === pid);
  return own.ownMs + own.reapedMs + children.reduce((sum, stat) => sum + (stat?.ownMs ?? 0), 0);
}

/** The same without its children. NaN when it is gone. */
export const ownCpuMsOf = (pid: number): number => statOf(pid)?.ownMs ?? Number.NaN;

export const parentOf = (pid: number): number => statOf(pid)?.parent ?? 0;
