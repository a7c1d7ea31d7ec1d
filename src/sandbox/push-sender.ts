import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sleep, type Clock } from '../clock.ts';
import { messageOf as errorText } from '../errors.ts';
import { chance } from './faults.ts';
import { listOf } from './problems.ts';
import { pushFormats, pushModes, wrap, type Members } from './push-envelope.ts';
import { messageOf } from './push-message.ts';
import type { PushTarget } from './push-target.ts';
import type { WorldChange } from './world.ts';

const rate = z.number().min(0).max(1);

/** Where an app's pushes go, and what goes wrong on the way. */
export const pushTargetShape: z.ZodType<PushTarget> = z
  .strictObject({
    appid: z.string().min(1),
    url: z.url({ protocol: /^https?$/, error: 'must be a URL with the scheme http or https' }),
    token: z.string().min(1),
    aes_key: z
      .string()
      .regex(/^[0-9A-Za-z+/]{43}$/, 'must be an EncodingAESKey: 43 letters, digits, + or /')
      .optional(),
    mode: z.enum(pushModes).optional(),
    format: z.enum(pushFormats).optional(),
    /** Of the pushes that are never sent, of those that are sent twice more, and up to how late one comes. */
    loss_rate: rate.optional(),
    repeat_rate: rate.optional(),
    delay_ms: z.int().min(0).max(600_000).optional(),
    /** Between two tries. */
    retry_ms: z.int().min(0).max(60_000).optional(),
  })
  .refine((one) => one.mode === 'plain' || one.aes_key !== undefined, {
    path: ['aes_key'],
    error: 'must be given unless mode is plain',
  });
export const pushTargetsShape = listOf(pushTargetShape);

/** What became of one push. `lost`: never sent; `given_up`: three tries, and no success. */
export type SentPush = {
  appid: string;
  event: string;
  payment: string | null;
  outcome: 'waiting' | 'taken' | 'lost' | 'given_up';
  tries: { status: number | null; answer: string; ms: number }[];
};

type SenderDeps = { clock: Clock; seed: number };

const maxTries = 3;
const answerWithinMs = 5_000;
const retryMs = 1_000;
/** The record of a campaign, and no more than that. */
const maxKept = 100_000;

/** WeChat's pushes: three tries within seconds unless `success` or nothing is answered within 5 s (wechat.md §3). */
export class PushSender {
  readonly sent: SentPush[] = [];
  readonly #targets = new Map<string, PushTarget>();
  readonly #deps: SenderDeps;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  #count = 0;

  constructor(deps: SenderDeps, targets: readonly PushTarget[] = []) {
    this.#deps = deps;
    for (const target of targets) this.direct(target);
  }

  direct(target: PushTarget): void {
    this.#targets.set(target.appid, target);
  }

  /** Whether anybody is told anything. */
  get isHeard(): boolean {
    return this.#targets.size > 0;
  }

  /** The target of an app; of a payment that is any app's the only one there is. */
  targetOf(appid: string | null): PushTarget | undefined {
    if (appid !== null) return this.#targets.get(appid);
    return this.#targets.size === 1 ? [...this.#targets.values()][0] : undefined;
  }

  /** Sends what WeChat would send of this change, in its own time. */
  tell({ kind, payment }: WorldChange): void {
    const target = this.targetOf(payment.appid);
    if (target === undefined) return;
    const message = messageOf(payment, kind, this.#deps.clock().getTime());
    const work = this.send(target, message, payment.key);
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  /** Resolves with what became of it; the faults of the target apply. Never rejects. */
  async send(target: PushTarget, message: Members | string, payment: string | null): Promise<SentPush> {
    const event = typeof message === 'string' ? '' : String(message['Event'] ?? '');
    const sent: SentPush = { appid: target.appid, event, payment, outcome: 'waiting', tries: [] };
    if (this.sent.length < maxKept) this.sent.push(sent);
    const draw = (fault: string): number => chance(`${this.#deps.seed}/${this.#number()}/${fault}`);
    if (draw('loss') < (target.loss_rate ?? 0)) return Object.assign(sent, { outcome: 'lost' as const });
    await sleep(draw('delay') * (target.delay_ms ?? 0), this.#stop.signal);
    const repeats = draw('repeat') < (target.repeat_rate ?? 0) ? 3 : 1;
    for (let repeat = 0; repeat < repeats; repeat++) await this.#deliver(target, message, sent);
    return sent;
  }

  #number(): number {
    this.#count += 1;
    return this.#count;
  }

  async #deliver(target: PushTarget, message: Members | string, sent: SentPush): Promise<void> {
    for (let number = 1; number <= maxTries && !this.#stop.signal.aborted; number++) {
      if (number > 1) await sleep(target.retry_ms ?? retryMs, this.#stop.signal);
      const answered = await this.#post(target, message);
      sent.tries.push(answered);
      if (answered.status !== null && answered.status < 300 && ['', 'success'].includes(answered.answer)) {
        sent.outcome = 'taken';
        return;
      }
    }
    if (sent.outcome === 'waiting') sent.outcome = 'given_up';
  }

  /** One request: a nonce and a timestamp of its own each time. */
  async #post(target: PushTarget, message: Members | string): Promise<SentPush['tries'][number]> {
    const seconds = Math.floor(this.#deps.clock().getTime() / 1_000);
    const { mode = 'secure', format = 'json', aes_key: aesKey, appid, token } = target;
    const nonce = String(randomBytes(4).readUInt32BE());
    const { query, body } = wrap(
      message,
      { appid, token, aesKey, mode, format },
      { seconds, nonce, random: randomBytes(16) },
    );
    const url = new URL(target.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const from = performance.now();
    const ms = (): number => Math.round(performance.now() - from);
    try {
      const answer = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': format === 'json' ? 'application/json' : 'text/xml' },
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(answerWithinMs)]),
      });
      return { status: answer.status, answer: (await answer.text()).slice(0, 100), ms: ms() };
    } catch (error) {
      return { status: null, answer: errorText(error), ms: ms() };
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  forget(): void {
    this.sent.length = 0;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.settled();
  }
}
