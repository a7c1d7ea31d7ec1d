import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { paymentMembers } from '../admin-routes.ts';
import type { Service } from '../service.ts';
import { script, style } from './assets.ts';
import { renderPage } from './render.ts';
import { findPayments, type PageView } from './view.ts';
import { languageOf } from './words.ts';

/** What a page may offer for a payment, where the sandbox has the path. */
const verbsOfPages = ['confirm', 'refund', 'push'];

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Our own style and script alone, and calls to this sandbox alone; nobody frames it, and no form leaves it. */
const policy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

type Query = { lang?: unknown; find?: unknown };

/** `GET /`: the page that shows this WeChat and lets a person play with it. */
export function addPage(app: FastifyInstance, service: Service): void {
  app.get('/', (request: FastifyRequest<{ Querystring: Query }>, reply) => {
    const { lang, find } = request.query;
    const language = languageOf(lang, request.headers['accept-language']);
    const url = `${request.protocol}://${request.host}`;
    const hasPath = (verb: string): boolean => app.hasRoute({ method: 'POST', url: `/_sandbox/${verb}` });
    const verbs = [...verbsOfPages.filter(hasPath), ...paymentMembers];
    const view = viewOf(service, { url, verbs, find: typeof find === 'string' ? find : '' });
    return reply.headers(headers).send(renderPage(view, language));
  });
}

function viewOf(service: Service, given: Pick<PageView, 'url' | 'verbs' | 'find'>): PageView {
  const { world, usage, tokens, rules } = service;
  world.advanceAll(service.nowMs());
  const kinds = Map.groupBy(world.effects, ({ kind }) => kind);
  return {
    ...given,
    ...findPayments(world, given.find),
    nowMs: service.nowMs(),
    rules,
    recent: service.recent.toReversed(),
    counts: {
      payments: world.payments.size,
      effects: [...kinds].map(([kind, effects]) => `${effects.length} ${kind}`).join(', ') || '0',
      requests: sumOf(Object.values(usage.requests()).flatMap((answers) => Object.values(answers))),
      faults: sumOf(Object.values(usage.faults())),
      tokens: sumOf(Object.values(tokens.fetches())),
    },
  };
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);
