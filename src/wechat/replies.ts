import { z } from 'zod';

import type { Answer, JsonObject } from './answer.ts';
import type { Called } from './call.ts';
import { parseOrder, type Order } from './order.ts';
import type { Outcome } from './outcome.ts';

export type Failed = { kind: 'failed'; outcome: Outcome; answer: Answer };
export type OrderResult =
  { kind: 'order'; order: Order; answer: Answer } | { kind: 'absent'; answer: Answer } | Failed;
export type ListResult =
  | {
      kind: 'page';
      orders: Order[];
      /** Entries that are no orders. */
      unreadable: number;
      hasMore: boolean;
      /** The cursor of the next page; null where none was told. */
      lastIndex: string | null;
      answer: Answer;
    }
  | Failed;
export type QuotaResult =
  | {
      kind: 'quota';
      dailyLimit: number;
      used: number;
      remain: number;
      /** `callCount` calls in `refreshSecond` seconds. */
      rateLimit: { callCount: number; refreshSecond: number } | null;
      answer: Answer;
    }
  | Failed;
export type DeliveryListResult =
  /** Entries as they came: which of them are carriers is for src/carriers to say. */
  { kind: 'list'; entries: readonly ListedCarrier[]; answer: Answer } | Failed;
export type ListedCarrier = { id: unknown; name: unknown };

/** What the answers of each endpoint say. Pure. */
type Replied = Pick<Called, 'outcome' | 'reply'>;

export function readOrder({ outcome, reply }: Replied): OrderResult {
  const { answer } = reply;
  if (outcome.kind === 'not_yet_visible') return { kind: 'absent', answer };
  const order = outcome.kind === 'accepted' ? parseOrder(reply.json?.['order']) : null;
  return order === null ? failed({ outcome, reply }) : { kind: 'order', order, answer };
}

const page = z.looseObject({
  order_list: z.array(z.unknown()).nullish(),
  has_more: z.boolean().nullish(),
  last_index: z
    .union([z.string(), z.number().transform(String)])
    .nullish()
    .catch(null),
});

export function readPage(called: Replied): ListResult {
  const body = bodyOf(called, page);
  if (body === null) return failed(called);
  const listed = body.order_list ?? [];
  const orders = listed.map(parseOrder).filter((order) => order !== null);
  return {
    kind: 'page',
    orders,
    unreadable: listed.length - orders.length,
    hasMore: body.has_more ?? false,
    lastIndex: body.last_index === '' ? null : (body.last_index ?? null),
    answer: called.reply.answer,
  };
}

const quotaBody = z.looseObject({
  quota: z.looseObject({ daily_limit: z.number(), used: z.number(), remain: z.number() }),
  rate_limit: z.looseObject({ call_count: z.number(), refresh_second: z.number() }).nullish().catch(null),
});

export function readQuota(called: Replied): QuotaResult {
  const body = bodyOf(called, quotaBody);
  if (body === null) return failed(called);
  const { daily_limit: dailyLimit, used, remain } = body.quota;
  const rate = body.rate_limit ?? null;
  const rateLimit = rate === null ? null : { callCount: rate.call_count, refreshSecond: rate.refresh_second };
  return { kind: 'quota', dailyLimit, used, remain, rateLimit, answer: called.reply.answer };
}

const deliveryList = z.looseObject({
  delivery_list: z.array(z.unknown()),
});

export function readDeliveryList(called: Replied): DeliveryListResult {
  const body = bodyOf(called, deliveryList);
  if (body === null) return failed(called);
  const entries = body.delivery_list.map((entry): ListedCarrier => {
    const { delivery_id: id, delivery_name: name } = Object(entry) as Record<string, unknown>;
    return { id, name };
  });
  return { kind: 'list', entries, answer: called.reply.answer };
}

/** The body of a success, if it has this shape. */
export function bodyOf<T>({ outcome, reply }: Replied, shape: z.ZodType<T>): T | null {
  if (outcome.kind !== 'accepted') return null;
  const parsed = shape.safeParse(reply.json satisfies JsonObject | null);
  return parsed.success ? parsed.data : null;
}

/** A success whose body is not what it should be is no success: nothing is known. */
export const failed = ({ outcome, reply: { answer } }: Replied): Failed => ({
  kind: 'failed',
  outcome:
    outcome.kind === 'accepted'
      ? { kind: 'unknown', reason: 'answer without the expected members' }
      : outcome,
  answer,
});
