import { monotonicMs } from '../clock.ts';
import type { EndpointName } from './faults.ts';

export type Quota = { daily: number; per_minute: number };

const dayMs = 86_400_000;
const beijingMs = 8 * 3_600_000;

/** Counts requests against quotas, and for the record. */
export class Usage {
  readonly quotas = new Map<EndpointName, Quota>();
  readonly #requests = new Map<string, Map<string, number>>();
  readonly #faults = new Map<string, number>();
  readonly #spent = new Map<string, { day: number; used: number; minute: number; inMinute: number }>();
  readonly #lastSecond: number[] = [];
  #head = 0;
  #busiest = 0;

  /** The code that a used-up quota answers with; null lets the request in, and counts it. */
  admit(appid: string, endpoint: EndpointName, nowMs: number): number | null {
    if (endpoint === 'upload') this.#countSecond();
    const quota = this.quotas.get(endpoint);
    const spent = this.#spentOf(appid, endpoint, nowMs);
    if (quota !== undefined && spent.used >= quota.daily) return 45009;
    if (quota !== undefined && spent.inMinute >= quota.per_minute) return 45011;
    spent.used += 1;
    spent.inMinute += 1;
    return null;
  }

  used(appid: string, endpoint: EndpointName, nowMs: number): number {
    return this.#spentOf(appid, endpoint, nowMs).used;
  }

  answered(endpoint: string, answer: string): void {
    const counts = this.#requests.get(endpoint) ?? new Map<string, number>();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
    this.#requests.set(endpoint, counts);
  }

  /** By endpoint and what was answered: an errcode, or the fault. */
  requests(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      [...this.#requests].map(([name, counts]) => [name, Object.fromEntries(counts)]),
    );
  }

  injected(fault: string): void {
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }

  /** How often each fault was met. */
  faults(): Record<string, number> {
    return Object.fromEntries(this.#faults);
  }

  /** Most uploads in any one second, by a sliding window. */
  busiestSecond(): number {
    return this.#busiest;
  }

  /** What clear_quota does: the day of every endpoint begins anew. */
  clear(appid: string): void {
    for (const name of this.#spent.keys()) if (name.startsWith(`${appid}/`)) this.#spent.delete(name);
  }

  reset(): void {
    this.#requests.clear();
    this.#faults.clear();
    this.#spent.clear();
    this.#lastSecond.length = 0;
    this.#head = 0;
    this.#busiest = 0;
  }

  #countSecond(): void {
    const nowMs = monotonicMs();
    this.#lastSecond.push(nowMs);
    while ((this.#lastSecond[this.#head] ?? nowMs) <= nowMs - 1000) this.#head += 1;
    this.#busiest = Math.max(this.#busiest, this.#lastSecond.length - this.#head);
    if (this.#head > 100_000) {
      this.#lastSecond.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #spentOf(appid: string, endpoint: EndpointName, nowMs: number) {
    const name = `${appid}/${endpoint}`;
    const day = Math.floor((nowMs + beijingMs) / dayMs);
    const minute = Math.floor(nowMs / 60_000);
    const known = this.#spent.get(name);
    const spent = known?.day === day ? known : { day, used: 0, minute, inMinute: 0 };
    if (spent.minute !== minute) {
      spent.minute = minute;
      spent.inMinute = 0;
    }
    this.#spent.set(name, spent);
    return spent;
  }
}
