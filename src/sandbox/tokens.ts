/** The two token interfaces, isolated from one another (wechat.md §2.1). */
export type TokenMode = 'stable' | 'plain';

export type TokenRules = { lifeMs: number; overlapMs: number; plainPerDay: number };

type Token = { value: string; appid: string; validUntilMs: number };
type Line = { current: Token | null; forcedAtMs: number; forcedToday: number; fetches: number; day: string };

export type TokenAnswer =
  { kind: 'token'; value: string; expiresInSeconds: number } | { kind: 'refused'; errcode: number };

/** What is wrong with a token, or whose it is. */
export type TokenCheck = { kind: 'app'; appid: string } | { kind: 'refused'; errcode: number };

const beijingDay = (nowMs: number): string => new Date(nowMs + 8 * 3_600_000).toISOString().slice(0, 10);
const maxForcedADay = 20;
const forcedApartMs = 30_000;

/** Mints, hands out, retires and judges tokens. Time and the random part of a token come from outside. */
export class Tokens {
  readonly #rules: TokenRules;
  readonly #random: () => string;
  readonly #known = new Map<string, Token>();
  readonly #lines = new Map<string, Line>();

  constructor(rules: TokenRules, random: () => string) {
    this.#rules = rules;
    this.#random = random;
  }

  /** `stable_token`: the same one until its last minutes, then a new one beside it. */
  stable(appid: string, force: boolean, nowMs: number): TokenAnswer {
    const line = this.#line(appid, 'stable', nowMs);
    line.fetches += 1;
    if (force) this.#force(line, nowMs);
    const { current } = line;
    if (current !== null && current.validUntilMs - nowMs > this.#rules.overlapMs)
      return answer(current, nowMs);
    return answer(this.#mint(line, appid, nowMs), nowMs);
  }

  /** `token`: every call mints; the one before stays good for the overlap. */
  plain(appid: string, nowMs: number): TokenAnswer {
    const line = this.#line(appid, 'plain', nowMs);
    if (line.fetches >= this.#rules.plainPerDay) return { kind: 'refused', errcode: 45009 };
    line.fetches += 1;
    if (line.current !== null)
      line.current.validUntilMs = Math.min(line.current.validUntilMs, nowMs + this.#rules.overlapMs);
    return answer(this.#mint(line, appid, nowMs), nowMs);
  }

  check(value: string | undefined, nowMs: number): TokenCheck {
    if (value === undefined || value === '') return { kind: 'refused', errcode: 41001 };
    const token = this.#known.get(value);
    if (token === undefined)
      return { kind: 'refused', errcode: value.startsWith('sandbox_') ? 40001 : 40014 };
    return token.validUntilMs <= nowMs
      ? { kind: 'refused', errcode: 42001 }
      : { kind: 'app', appid: token.appid };
  }

  /** This token stops being good at once, as when another system forces a new one. */
  expire(value: string | undefined): void {
    const token = value === undefined ? undefined : this.#known.get(value);
    if (token === undefined) return;
    this.#known.delete(token.value);
    for (const line of this.#lines.values()) if (line.current === token) line.current = null;
  }

  /** Every token stops being good at once. */
  expireAll(): void {
    this.#known.clear();
    for (const line of this.#lines.values()) line.current = null;
  }

  fetches(): Record<string, number> {
    return Object.fromEntries([...this.#lines].map(([name, line]) => [name, line.fetches]));
  }

  #force(line: Line, nowMs: number): void {
    if (line.forcedToday >= maxForcedADay || nowMs - line.forcedAtMs < forcedApartMs) return;
    line.forcedToday += 1;
    line.forcedAtMs = nowMs;
    if (line.current !== null) line.current.validUntilMs = nowMs;
    line.current = null;
  }

  #mint(line: Line, appid: string, nowMs: number): Token {
    const token = { value: `sandbox_${this.#random()}`, appid, validUntilMs: nowMs + this.#rules.lifeMs };
    this.#known.set(token.value, token);
    line.current = token;
    return token;
  }

  #line(appid: string, mode: TokenMode, nowMs: number): Line {
    const name = `${appid}/${mode}`;
    const day = beijingDay(nowMs);
    const known = this.#lines.get(name);
    if (known?.day === day) return known;
    const fresh = {
      current: known?.current ?? null,
      forcedAtMs: known?.forcedAtMs ?? -Infinity,
      forcedToday: 0,
      fetches: 0,
      day,
    };
    this.#lines.set(name, fresh);
    return fresh;
  }
}

const answer = (token: Token, nowMs: number): TokenAnswer => ({
  kind: 'token',
  value: token.value,
  expiresInSeconds: Math.max(1, Math.floor((token.validUntilMs - nowMs) / 1000)),
});
