import { createCipheriv, hash } from 'node:crypto';

/**
 * How WeChat wraps what it pushes (wechat.md §3), written from its page alone: what `src/push` unwraps is wrapped by
 * somebody else here, so each checks the other.
 */
export const pushModes = ['secure', 'compat', 'plain'] as const;
export const pushFormats = ['json', 'xml'] as const;

export type Envelope = {
  appid: string;
  token: string;
  /** The EncodingAESKey; plain mode needs none. */
  aesKey: string | undefined;
  mode: (typeof pushModes)[number];
  format: (typeof pushFormats)[number];
};

export type Members = Readonly<Record<string, string | number>>;
export type Wrapped = { query: Record<string, string>; body: string };

/** Chance and time are arguments: `random` is 16 bytes, `nonce` any text. Pure. */
export function wrap(
  message: string | Members,
  envelope: Envelope,
  given: { seconds: number; nonce: string; random: Uint8Array },
): Wrapped {
  const text = typeof message === 'string' ? message : render(message, envelope.format);
  const timestamp = String(given.seconds);
  const stamped = { timestamp, nonce: given.nonce };
  const query = { signature: sign([envelope.token, timestamp, given.nonce]), ...stamped };
  if (envelope.mode === 'plain' || envelope.aesKey === undefined) return { query, body: text };
  const sealed = seal(text, { appid: envelope.appid, aesKey: envelope.aesKey, random: given.random });
  const clear = envelope.mode === 'compat' && typeof message !== 'string' ? message : {};
  return {
    query: {
      ...query,
      openid: 'oSandboxOfWechat',
      encrypt_type: 'aes',
      msg_signature: sign([envelope.token, timestamp, given.nonce, sealed]),
    },
    body: render({ ToUserName: originalId, ...clear, Encrypt: sealed }, envelope.format),
  };
}

export const originalId = 'gh_sandbox';

const sign = (words: string[]): string => hash('sha1', words.toSorted().join(''), 'hex');

/** random ‖ length ‖ text ‖ appid, filled to a multiple of 32 with bytes that count the filling. */
function seal(
  text: string,
  { appid, aesKey, random }: { appid: string; aesKey: string; random: Uint8Array },
): string {
  const key = Buffer.from(aesKey, 'base64');
  const [words, owner] = [Buffer.from(text, 'utf8'), Buffer.from(appid, 'utf8')];
  const used = 16 + 4 + words.length + owner.length;
  const filling = 32 - (used % 32);
  const block = Buffer.alloc(used + filling, filling);
  block.set(random.subarray(0, 16), 0);
  new DataView(block.buffer, block.byteOffset).setUint32(16, words.length, false);
  block.set(words, 20);
  block.set(owner, 20 + words.length);
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  return cipher.update(block, undefined, 'base64') + cipher.final('base64');
}

/** Members in their order; in XML texts stand in CDATA, and numbers do not. */
export function render(members: Members, format: Envelope['format']): string {
  if (format === 'json') return JSON.stringify(members);
  const lines = Object.entries(members).map(([name, value]) => `<${name}>${xmlText(value)}</${name}>`);
  return `<xml>\n${lines.join('\n')}\n</xml>`;
}

const xmlText = (value: string | number): string =>
  typeof value === 'number' ? String(value) : `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
