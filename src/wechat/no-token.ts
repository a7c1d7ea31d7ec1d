import type { Clock } from '../clock.ts';
import { sameAgainMs, stoppedUntil, type AppTokens, type TokenResult } from './app-token.ts';
import type { UsedToken } from './token-decide.ts';

/**
 * Calls go out without a token, since something on their way adds it (wechat.md §10). Where WeChat speaks of a token all
 * the same, nothing does: the app rests, and tries once a minute.
 */
export class NoToken implements AppTokens {
  readonly #clock: Clock;
  #generation: number;
  #restsUntilMs = 0;

  constructor(clock: Clock, generation: number) {
    this.#clock = clock;
    this.#generation = generation + 1;
  }

  generation(): number {
    return this.#generation;
  }

  current(): Promise<TokenResult> {
    if (this.#clock().getTime() < this.#restsUntilMs)
      return Promise.resolve(stoppedUntil(this.#restsUntilMs, reason));
    return Promise.resolve({ kind: 'token', value: '', generation: this.#generation });
  }

  worked(): void {
    this.#restsUntilMs = 0;
  }

  failed(used: UsedToken): Promise<void> {
    if (used.generation === this.#generation) {
      this.#generation += 1;
      this.#restsUntilMs = this.#clock().getTime() + sameAgainMs;
    }
    return Promise.resolve();
  }
}

const reason =
  'the token mode is none, and WeChat refuses the call for its token: nothing on the way adds one';
