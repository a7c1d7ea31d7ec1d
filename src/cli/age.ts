import { usage } from './output.ts';

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const longestMs = 36_500 * 86_400_000;

/** `90s`, `15m`, `2h`, `7d`, or several together: `1d12h`. @throws FahuoError USAGE */
export function ageMs(name: string, text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  if (text === '' || parts.map(([whole]) => whole).join('') !== text)
    throw usage(`${name} ${text} must be an age like 90s, 15m, 2h or 7d`);
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0), 0);
  if (ms > longestMs) throw usage(`${name} ${text} must be 36500d at most`);
  return ms;
}

/** The two largest units: `3d 4h`, `12m 5s`. */
export function showAge(ms: number): string {
  let left = Math.max(0, Math.floor(ms / 1_000)) * 1_000;
  const parts = Object.entries(unitMs)
    .reverse()
    .flatMap(([unit, size]) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return count > 0 ? [`${count}${unit}`] : [];
    });
  return parts.slice(0, 2).join(' ') || '0s';
}
