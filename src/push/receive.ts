import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Pool } from '../../db/client.ts';
import { withTimeout, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Doorbell } from '../loop.ts';
import type { Metrics } from '../metrics.ts';
import { decideRequest, pushRefusals, type AppKeys, type PushRefusal } from './decide.ts';
import { knownEvents, type PushEvent } from './event.ts';
import { keepEvent } from './inbox-store.ts';

/**
 * WeChat's pushes → fahuo.push_event.
 *
 * I1 `success` is answered after the commit alone: WeChat sends nothing again that was answered so (wechat.md §3).
 * I2 What cannot be kept within the time is answered 500: WeChat sends it twice more, and a repeat of what was kept
 *    after all is none in the inbox.
 * I3 A refusal says nothing of its reason to the one who asks.
 */
export type ReceiveDeps = {
  pool: Pool;
  log: Log;
  metrics: Pick<Metrics, 'pushReceived' | 'pushRefused' | 'pushFailures'>;
  clock: Clock;
  /** Rung when there is something to apply. */
  doorbell: Doorbell;
  /** Of an app; undefined where it receives none. */
  keysOf: (appid: string) => AppKeys | undefined;
};

export type ReceiveOptions = {
  /** How far a timestamp may be off our clock; 0 does not look. */
  toleranceMs: number;
  /** WeChat hangs up after 5 s. */
  keepWithinMs: number;
};

/** 64 kB twice: in clear and, a third longer, encrypted. */
export const maxBodyBytes = 262_144;
const saidEveryMs = 60_000;
const statusOf: Record<PushRefusal, number> = {
  method: 405,
  unknown_app: 404,
  malformed: 400,
  too_large: 413,
  stale: 403,
  signature: 403,
  in_clear: 403,
  undecryptable: 403,
  wrong_appid: 403,
};

type Request = FastifyRequest<{ Params: { appid: string }; Querystring: Record<string, unknown> }>;

/** The one route of WeChat's pushes, with parsers and errors of its own. */
export const pushRoutes =
  (deps: ReceiveDeps, options: ReceiveOptions) =>
  (app: FastifyInstance): void => {
    const refuse = createRefuse(deps);
    // The body says what it is; a content type that none is would be refused before anybody looks.
    app.addHook('onRequest', (request, _reply, next) => {
      request.raw.headers['content-type'] = 'application/octet-stream';
      next();
    });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    app.setErrorHandler((error: FastifyError, _request, reply) =>
      refuseBroken(deps, refuse, { error, reply }),
    );
    app.all('/wechat/push/:appid', { bodyLimit: maxBodyBytes }, (request: Request, reply) =>
      answer(deps, options, refuse, { request, reply }),
    );
  };

type Refuse = (reason: PushRefusal, reply: FastifyReply) => FastifyReply;

/** Each is counted; each reason is said once a minute, so that a flood does not drown the log. */
function createRefuse({ log, metrics, clock }: ReceiveDeps): Refuse {
  const saidAtMs = new Map<PushRefusal, number>();
  for (const reason of pushRefusals) metrics.pushRefused.inc({ reason }, 0);
  return (reason, reply) => {
    metrics.pushRefused.inc({ reason });
    const nowMs = clock().getTime();
    if (Math.abs(nowMs - (saidAtMs.get(reason) ?? -Infinity)) >= saidEveryMs) {
      saidAtMs.set(reason, nowMs);
      log.warn({ reason, path: reply.request.url.split('?', 1)[0] }, 'push.refused');
    }
    return plain(reply.status(statusOf[reason]), 'refused');
  };
}

const plain = (reply: FastifyReply, text: string): FastifyReply =>
  reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff').send(text);

/** A body beyond the cap is not read to its end, so the connection ends with the answer. */
function refuseBroken(
  { log }: ReceiveDeps,
  refuse: Refuse,
  { error, reply }: { error: FastifyError; reply: FastifyReply },
): FastifyReply {
  const { statusCode = 500 } = error;
  void reply.header('connection', 'close');
  if (statusCode < 500) return refuse(statusCode === 413 ? 'too_large' : 'malformed', reply);
  log.error({ err: messageOf(error) }, 'push.failed');
  return plain(reply.status(500), 'failed');
}

async function answer(
  deps: ReceiveDeps,
  { toleranceMs, keepWithinMs }: ReceiveOptions,
  refuse: Refuse,
  { request, reply }: { request: Request; reply: FastifyReply },
): Promise<FastifyReply> {
  const { method, query, params } = request;
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const keys = deps.keysOf(params.appid);
  const decided = decideRequest({ method, query, body }, keys, { now: deps.clock(), toleranceMs });
  switch (decided.kind) {
    case 'check':
      return plain(reply, decided.echostr);
    case 'refused':
      return refuse(decided.reason, reply);
    case 'event': {
      const kept = await keep(deps, params.appid, { event: decided.event, keepWithinMs });
      return kept ? plain(reply, 'success') : plain(reply.status(500), 'failed');
    }
  }
}

async function keep(
  { pool, log, metrics, doorbell }: ReceiveDeps,
  appid: string,
  { event, keepWithinMs }: { event: PushEvent; keepWithinMs: number },
): Promise<boolean> {
  const said = {
    appid,
    event: event.event,
    phase: event.phase,
    payment: event.transactionId ?? event.outTradeNo,
  };
  const label = knownEvents.includes(event.event) ? event.event : 'other';
  try {
    const result = await withTimeout(keepWithinMs, keepEvent(pool, appid, event));
    metrics.pushReceived.inc({ event: label, result });
    log.info({ ...said, result }, 'push.received');
    if (result === 'kept') doorbell.ring();
    return true;
  } catch (error) {
    metrics.pushFailures.inc();
    log.warn({ ...said, err: messageOf(error) }, 'push.not_kept');
    return false;
  }
}
