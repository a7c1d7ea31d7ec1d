import type { OrderKey } from './payment.ts';

/** An order was shipped, or shipped further: the whole state of its parcels. */
export const SHIPPED = 'fahuo.shipment.shipped.v1';
/** WeChat holds wrong content: spends the payment's only chance of being shipped again. */
export const CORRECTED = 'fahuo.shipment.corrected.v1';
/**
 * Several payments of one combined payment were shipped: one event at the SQL doors, which make a shipped event of each
 * part. It stands on no topic.
 */
export const COMBINED = 'fahuo.shipment.combined.v1';
/** The buyer has the goods: WeChat reminds of confirming the receipt, once per payment. It is no version of a shipment. */
export const RECEIVED = 'fahuo.shipment.received.v1';
/** What WeChat answered, for the order service. Written by fahuo, never enqueued. */
export const ACKNOWLEDGED = 'fahuo.shipment.acknowledged.v1';
/** A payment's money has come, by WeChat's own word. Written by fahuo, never enqueued. */
export const SETTLED = 'fahuo.payment.settled.v1';

/** Every type of event that a topic carries, and which of a deployment's topics that is. */
export const eventTopics: ReadonlyMap<string, 'events' | 'acks'> = new Map([
  [SHIPPED, 'events'],
  [CORRECTED, 'events'],
  [RECEIVED, 'events'],
  [ACKNOWLEDGED, 'acks'],
  [SETTLED, 'acks'],
]);

/** The body of `upload_shipping_info` without `upload_time`, in WeChat's own names and types (wechat.md §1.1). */
export type Shipment = {
  order_key: OrderKey;
  /** 1 express, 2 same-city, 3 virtual goods, 4 pick-up. */
  logistics_type: 1 | 2 | 3 | 4;
  /** 1 unified: one parcel. 2 split: up to 15, express alone. */
  delivery_mode: 1 | 2;
  /** Whether these are all parcels of the order. Required for delivery_mode 2. */
  is_all_delivered?: boolean | undefined;
  /** 1 to 15 parcels; a later event restates all of them. */
  shipping_list: Parcel[];
  payer: {
    /** The buyer's openid in this mini-program, 1 to 128 bytes. */
    openid: string;
  };
};

export type Parcel = {
  /** Express only, and required there: 1 to 128 bytes. */
  tracking_no?: string | undefined;
  /** Express only, and required there: a delivery_id of `get_delivery_list`, case-sensitive (wechat.md §5). */
  express_company?: string | undefined;
  /** What is in the parcel; the buyer reads it. 1 to 100 code points (wechat.md §6.7). */
  item_desc: string;
  /** Express only; SF requires one of the two (wechat.md §5). */
  contact?: Contact | undefined;
};

/** Phone numbers, masked with stars and ending in four clear digits: `138****1234` (wechat.md §5). */
export type Contact = {
  /** The sender's. */
  consignor_contact?: string | undefined;
  /** The buyer's. */
  receiver_contact?: string | undefined;
};

/** An order was shipped. */
export type ShippedEvent = {
  type: 'fahuo.shipment.shipped.v1';
  /** Names this event for good, 1 to 128 characters: the same event under the same id is taken once. */
  id: string;
  /** Who sends it, 1 to 256 characters, like `/orders`. */
  source: string;
  /** When it happened: RFC 3339 with a zone, like `2026-11-23T10:00:00+08:00`. */
  time: string;
  /** The mini-program: 1 to 64 of `0-9 A-Z a-z _ -`. */
  appid: string;
  /** Grows per payment, 1 to 999,999,999: what is older than what WeChat holds is not sent. */
  version: number;
  /** W3C trace context, 1 to 128 characters. */
  traceparent?: string | undefined;
  data: Shipment;
};

/** What WeChat holds of a shipped order is wrong, and somebody approved that its only second chance is spent. */
export type CorrectedEvent = {
  type: 'fahuo.shipment.corrected.v1';
  /** Names this event for good, 1 to 128 characters: the same event under the same id is taken once. */
  id: string;
  /** Who sends it, 1 to 256 characters, like `/orders`. */
  source: string;
  /** When it happened: RFC 3339 with a zone, like `2026-11-23T10:00:00+08:00`. */
  time: string;
  /** The mini-program: 1 to 64 of `0-9 A-Z a-z _ -`. */
  appid: string;
  /** Grows per payment, 1 to 999,999,999: what is older than what WeChat holds is not sent. */
  version: number;
  /** W3C trace context, 1 to 128 characters. */
  traceparent?: string | undefined;
  /** Why WeChat holds the wrong content, 1 to 500 characters. */
  reason: string;
  /** Who approved it, 1 to 128 characters. */
  approved_by: string;
  data: Shipment;
};

/** A state of a payment's parcels, by its version. */
export type ShippingEvent = ShippedEvent | CorrectedEvent;

/** The buyer has the goods. The first one of a payment asks for its only reminder; no other has an effect. */
export type ReceivedEvent = {
  type: 'fahuo.shipment.received.v1';
  /** Names this event for good, 1 to 128 characters: the same event under the same id is taken once. */
  id: string;
  /** Who sends it, 1 to 256 characters, like `/orders`. */
  source: string;
  /** When it happened: RFC 3339 with a zone, like `2026-11-26T15:04:00+08:00`. */
  time: string;
  /** The mini-program: 1 to 64 of `0-9 A-Z a-z _ -`. */
  appid: string;
  /** W3C trace context, 1 to 128 characters. */
  traceparent?: string | undefined;
  data: {
    order_key: OrderKey;
    /** When the buyer had the goods, in whole seconds since 1970; WeChat shows it to the buyer (wechat.md §1.5). */
    received_time: number;
  };
};

/** What is shipped of one part of a combined payment: its own `order_key` and parcels. */
export type SubOrder = Omit<Shipment, 'payer'>;

/** The body of `upload_combined_shipping_info` without `upload_time` (wechat.md §1.2). */
export type CombinedShipment = {
  /** The combined payment itself. Its number is told to nobody: WeChat knows the parts (wechat.md §6.10). */
  order_key: OrderKey;
  /** 1 to 50 payments, each once, with the `order_number_type` of the main one. They may have several merchant numbers. */
  sub_orders: SubOrder[];
  payer: Shipment['payer'];
};

/** A combined payment was shipped. The door draws each part's version. */
export type CombinedEvent = {
  type: 'fahuo.shipment.combined.v1';
  /** Names this event for good; with `#` and the payment of a part at most 128 characters. */
  id: string;
  /** Who sends it, 1 to 256 characters, like `/orders`. */
  source: string;
  /** When it happened: RFC 3339 with a zone, like `2026-11-23T10:00:00+08:00`. */
  time: string;
  /** The mini-program: 1 to 64 of `0-9 A-Z a-z _ -`. */
  appid: string;
  /** W3C trace context, 1 to 128 characters. */
  traceparent?: string | undefined;
  data: CombinedShipment;
};
