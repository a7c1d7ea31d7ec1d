import type { FastifyReply } from 'fastify';
import { monotonicMs, sleep, type Clock } from '../clock.ts';
import type { Apps } from './apps.ts';
import { checkUpload } from './check.ts';
import { textOf } from './codes.ts';
import { faultOf, nameOfFault, type EndpointName, type FaultRule } from './faults.ts';
import { paymentIn, seeRequest, type SeenRequest } from './seen.ts';
import type { PushSender } from './push-sender.ts';
import { ShopWorld } from './shop-world.ts';
import type { Tokens } from './tokens.ts';
import type { Usage } from './usage.ts';
import type { World } from './world.ts';

type Json = Record<string, unknown> & { errcode?: unknown };

export type Call = {
  endpoint: EndpointName;
  /** What rid/get shows of it. */
  path?: string;
  token: string | undefined;
  /** A call for a token has none, and no quota of its own. */
  needsToken?: false;
  body: string;
  /** Does the work, effects included, and answers the body without `errmsg`. */
  handle: (appid: string, body: string) => Json;
};

export type ServiceDeps = {
  world: World;
  tokens: Tokens;
  usage: Usage;
  clock: Clock;
  random: () => string;
  seed: number;
  latencyMs: number;
  /** Calls without a token are taken. */
  tokenless: boolean;
  keepRequests: boolean;
  apps: Apps;
  pushes: PushSender;
};

/** What one request came to: the errcode or the fault, and what WeChat would hint at. */
type Told = { answer: string; hint?: string | undefined };

/** One of the last requests, for the page. */
export type RecentRequest = Told & { atMs: number; endpoint: EndpointName; body: string };

const keptRecent = 40;
const keptRecentBody = 2_000;

type Silent = Extract<FaultRule, { kind: 'lost_answer' | 'reset_before' | 'hang' | 'shipped_by_hand' }>;

const silentKinds: readonly FaultRule['kind'][] = ['lost_answer', 'reset_before', 'hang', 'shipped_by_hand'];
const isSilent = (fault: FaultRule): fault is Silent => silentKinds.includes(fault.kind);

/** What takes effect once: each request is kept where the sandbox was told to. */
const keptEndpoints: readonly EndpointName[] = ['upload', 'notify'];

/** No answer at all: the connection is cut, or stays open for ever. */
function silence({ kind }: Silent, reply: FastifyReply): FastifyReply {
  if (kind !== 'hang') reply.raw.socket?.resetAndDestroy();
  return reply.hijack();
}

/** What stands around every call: token, quota, faults, latency, the request id. */
export class Service {
  readonly world: World;
  readonly shop = new ShopWorld();
  readonly tokens: Tokens;
  readonly usage: Usage;
  readonly apps: Apps;
  readonly pushes: PushSender;
  rules: readonly FaultRule[] = [];
  readonly seen: SeenRequest[] = [];
  /** The last requests, oldest first. */
  readonly recent: RecentRequest[] = [];
  readonly #deps: ServiceDeps;
  readonly #ordinals = new Map<string, number>();
  #requests = 0;
  #lastRid = '';
  readonly #ridTail: string;

  constructor(deps: ServiceDeps) {
    this.#deps = deps;
    this.#ridTail = `${deps.random().slice(0, 8)}-${deps.random().slice(0, 8)}`;
    this.world = deps.world;
    this.tokens = deps.tokens;
    this.usage = deps.usage;
    this.apps = deps.apps;
    this.pushes = deps.pushes;
    deps.world.onChange = (change) => deps.pushes.tell(change);
  }

  nowMs(): number {
    return this.#deps.clock().getTime();
  }

  async answer(call: Call, reply: FastifyReply): Promise<FastifyReply> {
    const seen =
      this.#deps.keepRequests && keptEndpoints.includes(call.endpoint) ? this.#see(call, reply) : null;
    if (this.#deps.latencyMs > 0) await sleep(this.#deps.latencyMs);
    const fault = this.rules.length === 0 ? null : this.#faultOf(call);
    const told = fault === null ? this.#plain(call, reply) : await this.#faulty(fault, call, reply);
    this.#remember(call, told);
    if (seen === null) return reply;
    seen.answer = told.answer;
    // Before the caller can know: a request that it makes then is not one more on the wire.
    if (fault?.kind !== 'hang') seen.endedAtMs ??= monotonicMs();
    return reply;
  }

  #see({ body, endpoint }: Call, reply: FastifyReply): SeenRequest {
    const key = paymentIn(body);
    const seen = seeRequest({ endpoint, body, payment: this.world.keyOf(key), key }, reply.raw);
    this.seen.push(seen);
    return seen;
  }

  #remember({ endpoint, body }: Call, told: Told): void {
    if (this.recent.length >= keptRecent) this.recent.shift();
    this.recent.push({ ...told, atMs: this.nowMs(), endpoint, body: body.slice(0, keptRecentBody) });
  }

  #plain(call: Call, reply: FastifyReply, padTo: number = 0): Told {
    const body = this.#work(call);
    this.send(reply, body, call.endpoint, padTo);
    this.#keepForRid(call, body);
    return { answer: typeof body.errcode === 'number' ? String(body.errcode) : '0', hint: hintIn(body) };
  }

  /** For rid/get, which the rid of the answer just sent names. */
  #keepForRid({ endpoint, path = endpoint, token, body: sent }: Call, body: Json): void {
    const checked = this.tokens.check(token, this.nowMs());
    if (checked.kind === 'refused') return;
    const answer = JSON.stringify(body);
    this.shop.keep(this.#lastRid, { appid: checked.appid, atMs: this.nowMs(), path, body: sent, answer });
  }

  /** `errmsg` ends in a request id, as WeChat's always does. */
  send(reply: FastifyReply, body: Json, endpoint: string = 'other', padTo: number = 0): FastifyReply {
    const errcode = typeof body.errcode === 'number' ? body.errcode : 0;
    this.usage.answered(endpoint, String(errcode));
    if (body.errcode === undefined) return reply.send(body);
    const hintText = hintIn(body);
    const hint = hintText === undefined ? '' : ` hint: [${hintText}]`;
    const { kind, hint: shown, errcode: code, ...rest } = body as Record<string, unknown>;
    const text = `${textOf(errcode)}${hint}`.padEnd(padTo, '长');
    return reply.send({ errcode, errmsg: `${text} rid: ${this.#rid()}`, ...rest });
  }

  #work({ endpoint, token, needsToken, body, handle }: Call): Json {
    if (needsToken === false) return handle('', body);
    const nowMs = this.nowMs();
    const checked = this.#deps.tokenless && token === undefined ? nobody : this.tokens.check(token, nowMs);
    if (checked.kind === 'refused') return { errcode: checked.errcode };
    const refused = this.usage.admit(checked.appid, endpoint, nowMs);
    return refused === null ? handle(checked.appid, body) : { errcode: refused };
  }

  #faultOf({ endpoint, body }: Call): FaultRule | null {
    const payment = this.world.keyOf(paymentIn(body));
    const ordinal = this.#ordinalOf(endpoint, payment) + 1;
    this.#ordinals.set(`${endpoint}/${payment}`, ordinal);
    return faultOf(this.rules, { endpoint, payment, ordinal }, this.#deps.seed);
  }

  /** Meets the fault; says what the request is remembered by. */
  async #faulty(fault: FaultRule, call: Call, reply: FastifyReply): Promise<Told> {
    const name = nameOfFault(fault);
    this.usage.injected(name);
    if (fault.kind === 'expire_token') {
      this.tokens.expire(call.token);
      return this.#plain(call, reply);
    }
    if (fault.kind === 'long_errmsg') return this.#plain(call, reply, fault.length);
    if (fault.kind === 'delay') {
      await this.#late(fault, call, reply);
      return { answer: name };
    }
    if (fault.kind === 'shipped_by_hand') this.#shipByHand(call, fault.item_desc);
    this.usage.answered(call.endpoint, fault.kind);
    const committed = 'committed' in fault ? fault.committed : fault.kind === 'lost_answer';
    this.#spoil(fault, committed ? this.#work(call) : { errcode: 0 }, reply);
    return { answer: name };
  }

  async #late(
    fault: Extract<FaultRule, { kind: 'delay' }>,
    call: Call,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const early = fault.committed ? this.#work(call) : null;
    await sleep(fault.ms);
    return this.send(reply, early ?? this.#work(call), call.endpoint);
  }

  /** The content of the request, with another text if one is given. */
  #shipByHand({ endpoint, body: text }: Call, itemDesc: string | undefined): void {
    if (endpoint !== 'upload') return;
    const body = itemDesc === undefined ? text : withItemDesc(text, itemDesc);
    const checked = checkUpload(JSON.parse(body));
    if (checked.kind !== 'upload') return;
    const appid = this.world.named(checked.upload.payment)?.appid ?? '';
    this.world.upload(checked.upload, { appid, body, byHand: true }, this.nowMs());
  }

  #spoil(
    fault: Exclude<FaultRule, { kind: 'delay' | 'expire_token' | 'long_errmsg' }>,
    body: Json,
    reply: FastifyReply,
  ): FastifyReply {
    if (isSilent(fault)) return silence(fault, reply);
    const text = JSON.stringify({ ...body, errmsg: `ok rid: ${this.#rid()}` });
    switch (fault.kind) {
      case 'status':
        return reply.status(fault.status).type('text/html').send('<html>bad gateway</html>');
      case 'garbage':
        return reply.send('\u0000\uFFFD<garbage>');
      case 'no_errcode':
        return reply.send({ errmsg: 'ok' });
      case 'half_json':
        return reply.send(text.slice(0, Math.floor(text.length / 2)));
      case 'errcode':
        return reply.send({
          errcode: fault.errcode,
          errmsg: `${fault.errmsg ?? textOf(fault.errcode)} rid: ${this.#rid()}`,
        });
    }
  }

  #rid(): string {
    this.#requests += 1;
    const number = this.#requests.toString(16).padStart(8, '0');
    return (this.#lastRid = `${number}-${this.#ridTail}`);
  }

  /** Plays a fault once, at the next request of its payment, before all other faults. What was played so goes. */
  playNext(rule: FaultRule & { transaction_id: string }): void {
    const payment = this.world.keyOf(rule.transaction_id);
    const played = (one: FaultRule): boolean =>
      one.transaction_id === payment &&
      one.times !== undefined &&
      one.times <= this.#ordinalOf(one.endpoint, payment);
    const times = this.#ordinalOf(rule.endpoint, payment) + 1;
    this.rules = [{ ...rule, transaction_id: payment, times }, ...this.rules.filter((one) => !played(one))];
  }

  /** How many requests of this endpoint and payment met the faults so far. */
  #ordinalOf(endpoint: EndpointName, payment: string): number {
    return this.#ordinals.get(`${endpoint}/${payment}`) ?? 0;
  }

  forget(): void {
    this.rules = [];
    this.#ordinals.clear();
    this.world.reset();
    this.shop.reset();
    this.usage.reset();
    this.apps.reset();
    this.pushes.forget();
    this.seen.length = 0;
    this.recent.length = 0;
  }
}

const nobody = { kind: 'app', appid: '' } as const;

const hintIn = ({ hint }: Json): string | undefined => (typeof hint === 'string' ? hint : undefined);

const withItemDesc = (body: string, itemDesc: string): string =>
  body.replaceAll(/("item_desc"\s*:\s*)"[^"]*"/g, (_all, name: string) => name + JSON.stringify(itemDesc));
