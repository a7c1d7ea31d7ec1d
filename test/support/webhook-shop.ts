import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHmac } from 'node:crypto';

export const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq=';

export type Heard = {
  id: string;
  body: { type: string; timestamp: string; data: Record<string, unknown> };
  payment: string;
  signed: boolean;
  headers: IncomingMessage['headers'];
  /** Requests of the same payment that were open beside it. */
  beside: number;
};
/** What the shop answers; `false` hangs. */
export type ShopAnswer =
  | number
  | false
  | { status: number; headers?: Record<string, string>; body?: string }
  | ((response: ServerResponse) => void);

/** A shop's address, which can be down, and answer as a test wants. */
export type WebhookShop = {
  url: string;
  heard: Heard[];
  /** Payments of the requests that were taken, in their order. */
  taken: { payment: string; id: string; data: Record<string, unknown> }[];
  answer: (heard: Heard, nth: number) => ShopAnswer | Promise<ShopAnswer>;
  down: () => Promise<void>;
  up: () => Promise<void>;
};

/** The specification, written a second time. */
function isSigned(headers: IncomingMessage['headers'], body: string): boolean {
  const [id, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
  const key = Buffer.from(webhookSecret.slice('whsec_'.length), 'base64');
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const fresh = Math.abs(Date.now() / 1_000 - Number(timestamp)) < 300;
  return fresh && String(headers['webhook-signature']).split(' ').includes(`v1,${wanted}`);
}

export async function openShop(): Promise<WebhookShop> {
  const open = new Map<string, number>();
  const shop: WebhookShop = {
    url: '',
    heard: [],
    taken: [],
    answer: () => 204,
    down: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    up: () => new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve())),
  };
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => void respond(request, response, text));
  });
  async function respond(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
    const body = JSON.parse(text) as Heard['body'];
    const payment = String(body.data['payment']);
    const beside = open.get(payment) ?? 0;
    open.set(payment, beside + 1);
    response.once('close', () => open.set(payment, (open.get(payment) ?? 1) - 1));
    const { headers } = request;
    const heard = {
      ...{ id: String(headers['webhook-id']), body, payment, headers, beside },
      signed: isSigned(headers, text),
    };
    shop.heard.push(heard);
    const answer = await shop.answer(heard, shop.heard.length);
    if (answer === false) return;
    if (typeof answer === 'function') return answer(response);
    const {
      status,
      headers: more = {},
      body: said = '',
    } = typeof answer === 'number' ? { status: answer } : answer;
    if (status >= 200 && status < 300) shop.taken.push({ payment, id: heard.id, data: body.data });
    response.writeHead(status, more).end(said);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  shop.url = `http://127.0.0.1:${port}/fahuo?shop=1`;
  return shop;
}
