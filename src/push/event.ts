import { createHash } from 'node:crypto';
import type { PushPhase } from '../../db/states.ts';
import type { Facts } from '../payments/facts-store.ts';
import { cutText, storable } from '../text.ts';
import { readMessage, textIn, timeIn, wholeIn, type Message } from './message.ts';

export const SETTLEMENT = 'trade_manage_order_settlement';
export const REMIND_SHIPPING = 'trade_manage_remind_shipping';
/** The app is to ship by the API and never has, or is restricted: a person must act (wechat.md §4). */
export const warnings = ['trade_manage_remind_access_api', 'wxa_trade_controlled'] as const;
export const knownEvents: readonly string[] = [SETTLEMENT, REMIND_SHIPPING, ...warnings];

/** A pushed event, as the inbox keeps it. */
export type PushEvent = {
  /** Two pushes with one key are one event. */
  key: string;
  /** Of a message that is no event its type; `unreadable` where the text is neither JSON nor XML. */
  event: string;
  phase: PushPhase | null;
  transactionId: string | null;
  mchid: string | null;
  outTradeNo: string | null;
  createdAt: Date | null;
  /** As it came. */
  body: string;
};

/** Whatever it is: what nobody knows is an event, too. Pure. */
export function readEvent(body: string): PushEvent {
  const message = readMessage(body) ?? new Map<string, unknown>();
  const event = textIn(message, 'Event') ?? textIn(message, 'MsgType') ?? 'unreadable';
  const phase = event === SETTLEMENT ? phaseOf(message) : null;
  return {
    key: keyOf({ message, event, phase, body }),
    event,
    phase,
    transactionId: transactionIn(message),
    mchid: textIn(message, 'merchant_id'),
    outTradeNo: textIn(message, 'merchant_trade_no'),
    createdAt: timeIn(message, 'CreateTime'),
    body,
  };
}

/** As every name of a payment here: what is longer, or holds anything else, names none and would be no key of a row. */
const transactionShape = /^[0-9A-Za-z_-]{1,64}$/;

function transactionIn(message: Message): string | null {
  const text = textIn(message, 'transaction_id');
  return text !== null && transactionShape.test(text) ? text : null;
}

/** By what it tells and not by the event's name, which is the same twice; its time may be empty or 0 (wechat.md §4). */
const phaseOf = (message: Message): PushPhase =>
  timeIn(message, 'settlement_time') !== null || timeIn(message, 'confirm_receive_time') !== null
    ? 'settled'
    : 'shipped';

type Keyed = { message: Message; event: string; phase: PushPhase | null; body: string };

/**
 * A settlement is told once for payment and phase; a payment that is shipped anew has another shipped_time. A reminder
 * may come again another day. Of the others nothing says what makes them one, but the text itself.
 */
function keyOf({ message, event, phase, body }: Keyed): string {
  const payment = textIn(message, 'transaction_id') ?? merchantKey(message);
  const told = (name: string): string => textIn(message, name) ?? '';
  if (payment !== null) {
    if (phase === 'settled') return [event, payment, settledStep(message)].join('|');
    if (phase === 'shipped') return [event, payment, phase, told('shipped_time')].join('|');
    if (event === REMIND_SHIPPING) return [event, payment, told('CreateTime')].join('|');
  }
  const digest = createHash('sha256').update(body).digest('hex');
  return [event, told('FromUserName'), told('CreateTime'), digest].join('|');
}

/** A receipt that is told before its money must not take the place of the money's own push. */
const settledStep = (message: Message): string =>
  timeIn(message, 'settlement_time') === null ? 'confirmed' : 'settled';

function merchantKey(message: Message): string | null {
  const [mchid, outTradeNo] = [textIn(message, 'merchant_id'), textIn(message, 'merchant_trade_no')];
  return mchid === null || outTradeNo === null ? null : `${mchid}:${outTradeNo}`;
}

/** What a warning says to a person; empty where it says nothing. Pure. */
export function warningText(body: string): string {
  const said = readMessage(body)?.get('msg');
  return typeof said === 'string' ? cutText(storable(said), warningCharacters) : '';
}
const warningCharacters = 500;

/** Largest number of a smallint: what is beyond is no method of WeChat's. */
const maxMethod = 32_767;

/** What an event tells of the payment `transactionId`; it tells nothing of what it leaves out. Pure. */
export function factsOf(
  { event, body, createdAt }: Pick<PushEvent, 'event' | 'body' | 'createdAt'>,
  { appid, transactionId }: { appid: string; transactionId: string },
  receivedAt: Date,
): Facts {
  const message = readMessage(body) ?? new Map<string, unknown>();
  const payment: Facts = {
    appid,
    transactionId,
    mchid: textIn(message, 'merchant_id') ?? undefined,
    subMchid: textIn(message, 'sub_merchant_id') ?? undefined,
    outTradeNo: textIn(message, 'merchant_trade_no') ?? undefined,
    paidAt: timeIn(message, 'pay_time') ?? undefined,
  };
  if (event === REMIND_SHIPPING) return { ...payment, remindedAt: createdAt ?? receivedAt };
  return { ...payment, ...settlementOf(message) };
}

function settlementOf(message: Message): Partial<Facts> {
  const method = wholeIn(message, 'confirm_receive_method');
  const confirmedAt = timeIn(message, 'confirm_receive_time');
  const settledAt = timeIn(message, 'settlement_time');
  return {
    shippedAt: timeIn(message, 'shipped_time') ?? undefined,
    expectedSettlementAt: timeIn(message, 'estimated_settlement_time') ?? undefined,
    confirmMethod: method === null || method > maxMethod ? undefined : method,
    confirmedAt: confirmedAt ?? undefined,
    settledAt: settledAt ?? undefined,
    orderState: settledAt !== null ? complete : confirmedAt !== null ? confirmed : shipped,
  };
}

const shipped = 2;
const confirmed = 3;
const complete = 4;
