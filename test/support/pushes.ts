import { createHash } from 'node:crypto';
import { encrypt, signatureOf, type PushKey } from '../../src/push/crypto.ts';

export const pushAppid = 'wx0123456789abcdef';
export const pushToken = 'token';
export const pushEncodingKey = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG';
export const pushKey: PushKey = {
  appid: pushAppid,
  aesKey: Buffer.from(`${pushEncodingKey}=`, 'base64'),
};

/** Seconds of the year 2026; a push of the test is made then. */
export const pushedAt = 1_780_000_000;

export type Members = Record<string, string | number>;

export const settlement = (payment: string, members: Members = {}): Members => ({
  ToUserName: 'gh_97417a04a28d',
  FromUserName: 'o9AgO5Kd5ggOC-bXrbNODIiE3bGY',
  CreateTime: pushedAt,
  MsgType: 'event',
  Event: 'trade_manage_order_settlement',
  transaction_id: payment,
  merchant_id: '1900000109',
  sub_merchant_id: '',
  merchant_trade_no: `T${payment}`,
  pay_time: pushedAt - 100_000,
  shipped_time: pushedAt - 10,
  ...members,
});
export const shippedPhase = (payment: string): Members =>
  settlement(payment, { estimated_settlement_time: pushedAt + 864_000 });
export const settledPhase = (payment: string): Members =>
  settlement(payment, {
    CreateTime: pushedAt + 500,
    confirm_receive_method: 1,
    confirm_receive_time: pushedAt + 400,
    settlement_time: pushedAt + 450,
  });
export const reminder = (payment: string): Members => ({
  ...settlement(payment),
  Event: 'trade_manage_remind_shipping',
  msg: '请尽快发货',
});

export const asJson = (members: Members): string => JSON.stringify(members);
export const asXml = (members: Members): string =>
  `<xml>${Object.entries(members)
    .map(([name, value]) =>
      typeof value === 'number' ? `<${name}>${value}</${name}>` : `<${name}><![CDATA[${value}]]></${name}>`,
    )
    .join('\n')}</xml>`;

type Signed = { timestamp?: number | string; nonce?: string; token?: string };
export type Push = { query: Record<string, string>; body: string };

/** As WeChat sends it in secure mode. */
export function securePush(
  message: string,
  { timestamp = pushedAt, nonce = 'n1', token = pushToken, key = pushKey }: Signed & { key?: PushKey } = {},
): Push {
  const random = createHash('md5').update(`${message}${nonce}`).digest();
  const encrypted = encrypt(message, key, random);
  const wrapped = { ToUserName: 'gh_97417a04a28d', Encrypt: encrypted };
  return {
    query: {
      signature: signatureOf(token, String(timestamp), nonce),
      timestamp: String(timestamp),
      nonce,
      openid: 'o9AgO5Kd5ggOC-bXrbNODIiE3bGY',
      encrypt_type: 'aes',
      msg_signature: signatureOf(token, String(timestamp), nonce, encrypted),
    },
    body: message.startsWith('<') ? asXml(wrapped) : asJson(wrapped),
  };
}

/** In plain mode. */
export const plainPush = (
  message: string,
  { timestamp = pushedAt, nonce = 'n1', token = pushToken }: Signed = {},
): Push => ({
  query: {
    signature: signatureOf(token, String(timestamp), nonce),
    timestamp: String(timestamp),
    nonce,
  },
  body: message,
});
