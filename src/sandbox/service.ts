import type { FastifyReply } from 'fastify';
import { pause, type Clock } from '../clock.ts';
import { textOf } from './codes.ts';
import { faultOf, type EndpointName, type FaultRule } from './faults.ts';
import type { Tokens } from './tokens.ts';
import type { Usage } from './usage.ts';
import type { World } from './world.ts';

type Json = Record<string, unknown> & { errcode?: unknown };

export type Call = {
  endpoint: EndpointName;
  token: string | undefined;
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
  secrets: ReadonlyMap<string, string> | null;
};

const paymentOf = (body: string): string =>
  /"transaction_id"\s*:\s*"([^"]*)"/.exec(body)?.[1] ??
  /"(?:out_trade_no|merchant_trade_no)"\s*:\s*"([^"]*)"/.exec(body)?.[1] ??
  '';

type Silent = Extract<FaultRule, { kind: 'lost_answer' | 'reset_before' | 'hang' }>;

const isSilent = (fault: FaultRule): fault is Silent =>
  fault.kind === 'lost_answer' || fault.kind === 'reset_before' || fault.kind === 'hang';

/** No answer at all: the connection is cut, or stays open for ever. */
function silence({ kind }: Silent, reply: FastifyReply): FastifyReply {
  if (kind !== 'hang') reply.raw.socket?.resetAndDestroy();
  return reply.hijack();
}

/** What stands around every call: token, quota, faults, latency, the request id. */
export class Service {
  readonly world: World;
  readonly tokens: Tokens;
  readonly usage: Usage;
  rules: readonly FaultRule[] = [];
  readonly #deps: ServiceDeps;
  readonly #ordinals = new Map<string, number>();
  #requests = 0;
  readonly #ridTail: string;

  constructor(deps: ServiceDeps) {
    this.#deps = deps;
    this.#ridTail = `${deps.random().slice(0, 8)}-${deps.random().slice(0, 8)}`;
    this.world = deps.world;
    this.tokens = deps.tokens;
    this.usage = deps.usage;
  }

  nowMs(): number {
    return this.#deps.clock().getTime();
  }

  knowsSecret(appid: string, secret: string): boolean {
    const { secrets } = this.#deps;
    return secrets === null ? secret !== '' : secrets.get(appid) === secret;
  }

  async answer(call: Call, reply: FastifyReply): Promise<FastifyReply> {
    if (this.#deps.latencyMs > 0) await pause(this.#deps.latencyMs);
    const fault = this.rules.length === 0 ? null : this.#faultOf(call);
    if (fault !== null) return this.#faulty(fault, call, reply);
    return this.send(reply, this.#work(call), call.endpoint);
  }

  /** `errmsg` ends in a request id, as WeChat's always does. */
  send(reply: FastifyReply, body: Json, endpoint: string = 'other'): FastifyReply {
    const errcode = typeof body.errcode === 'number' ? body.errcode : 0;
    this.usage.answered(endpoint, String(errcode));
    if (body.errcode === undefined) return reply.send(body);
    const hint = typeof body['hint'] === 'string' ? ` hint: [${body['hint']}]` : '';
    const { kind, hint: shown, errcode: code, ...rest } = body as Record<string, unknown>;
    return reply.send({ errcode, errmsg: `${textOf(errcode)}${hint} rid: ${this.#rid()}`, ...rest });
  }

  #work({ endpoint, token, body, handle }: Call): Json {
    const nowMs = this.nowMs();
    const checked = this.tokens.check(token, nowMs);
    if (checked.kind === 'refused') return { errcode: checked.errcode };
    const refused = this.usage.admit(checked.appid, endpoint, nowMs);
    return refused === null ? handle(checked.appid, body) : { errcode: refused };
  }

  #faultOf({ endpoint, body }: Call): FaultRule | null {
    const payment = paymentOf(body);
    const at = `${endpoint}/${payment}`;
    const ordinal = (this.#ordinals.get(at) ?? 0) + 1;
    this.#ordinals.set(at, ordinal);
    return faultOf(this.rules, { endpoint, payment, ordinal }, this.#deps.seed);
  }

  async #faulty(fault: FaultRule, call: Call, reply: FastifyReply): Promise<FastifyReply> {
    if (fault.kind === 'expire_token') {
      this.tokens.expireAll();
      return this.send(reply, this.#work(call), call.endpoint);
    }
    if (fault.kind === 'delay') return this.#late(fault, call, reply);
    this.usage.answered(call.endpoint, fault.kind);
    const committed = 'committed' in fault ? fault.committed : fault.kind === 'lost_answer';
    const body = committed ? this.#work(call) : { errcode: 0 };
    return this.#spoil(fault, body, reply);
  }

  async #late(
    fault: Extract<FaultRule, { kind: 'delay' }>,
    call: Call,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const early = fault.committed ? this.#work(call) : null;
    await pause(fault.ms);
    return this.send(reply, early ?? this.#work(call), call.endpoint);
  }

  #spoil(
    fault: Exclude<FaultRule, { kind: 'delay' | 'expire_token' }>,
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
    return `${number}-${this.#ridTail}`;
  }

  forget(): void {
    this.rules = [];
    this.#ordinals.clear();
    this.world.reset();
    this.usage.reset();
  }
}
