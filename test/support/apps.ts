import { createAppSet, type App, type AppSet } from '../../src/apps/app-set.ts';
import type { TokenOrigin } from '../../src/wechat/token-origin.ts';

export const stableToken: TokenOrigin = { mode: 'stable', secret: 's' };

/** An app with tokens of its own secret `s`. */
export const appOf = (appid: string, more: Partial<App> = {}): App => ({
  appid,
  token: stableToken,
  parcelLists: 'cumulative',
  ...more,
});

/** Apps that nobody replaces, unless the test does. */
export const appSetOf = (...appids: readonly string[]): AppSet =>
  createAppSet(appids.map((appid) => appOf(appid)));
