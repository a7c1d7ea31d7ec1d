import { z } from 'zod';
import { listOf } from './problems.ts';

/** One app as it is told to the sandbox. */
export const appShape = z.strictObject({
  appid: z.string().regex(/^[0-9A-Za-z_-]{1,64}$/, 'must be an appid: 1 to 64 letters, digits, _ or -'),
  secret: z.string().min(1, 'must not be empty'),
});
export const appsShape = listOf(appShape);

/**
 * Which apps there are, and their secrets. Once an app was told, the others are unknown. Before that every appid is
 * an app, and its first secret is its secret: a second one is wrong, as it would be at WeChat.
 */
export class Apps {
  readonly #atStart: Readonly<Record<string, string>>;
  #secrets = new Map<string, string>();
  #configured = false;

  constructor(atStart: Readonly<Record<string, string>> = {}) {
    this.#atStart = atStart;
    this.reset();
  }

  put(appid: string, secret: string): void {
    if (!this.#configured) this.#secrets.clear();
    this.#configured = true;
    this.#secrets.set(appid, secret);
  }

  /** The code that a token call with these is refused with; null lets it in. */
  refusal(appid: unknown, secret: unknown): number | null {
    if (typeof appid !== 'string' || appid === '') return 41002;
    if (typeof secret !== 'string' || secret === '') return 41004;
    const known = this.#secrets.get(appid);
    if (known !== undefined) return known === secret ? null : 40125;
    if (this.#configured) return 40013;
    this.#secrets.set(appid, secret);
    return null;
  }

  /** Back to the apps of the start. */
  reset(): void {
    this.#secrets = new Map(Object.entries(this.#atStart));
    this.#configured = this.#secrets.size > 0;
  }
}
