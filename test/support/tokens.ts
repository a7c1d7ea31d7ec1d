import { systemClock, systemRandom } from '../../src/clock.ts';
import type { Http } from '../../src/wechat/http.ts';
import { createMemoryTokenStore } from '../../src/apps/tokens-memory.ts';
import { createTokenSource, type TokenSource } from '../../src/wechat/token.ts';
import { stableToken } from './apps.ts';

/** Stable tokens of one app, shared with nobody. */
export const createTokens = (http: Http): TokenSource =>
  createTokenSource({
    http,
    originOf: () => stableToken,
    store: createMemoryTokenStore(systemClock),
    clock: systemClock,
    random: systemRandom,
  });
