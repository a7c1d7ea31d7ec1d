import { days, flag, secret, setting, shaped, url, whole, type Values } from '../setting.ts';

/** One, or several with blanks between while one is changed for another. */
const one = 'whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?';
export const webhookSecretShape = new RegExp(`^${one}(?: +${one})*$`);
const secretRule =
  'must be whsec_ and 24 to 64 bytes in base64, as "whsec_$(openssl rand -base64 32)" makes it; two with a blank between while one is changed';

function loginProblem(address: string): string | null {
  const { username, password } = new URL(address);
  try {
    decodeURIComponent(username + password);
    return null;
  } catch {
    return 'has a name or password with a % that is no %XX: write it as %25';
  }
}

export const webhookSettings = {
  url: secret(
    'FAHUO_ACK_WEBHOOK_URL',
    url(['https', 'http'], { problem: loginProblem }),
    'Address of the shop that every answer is posted to; unset posts none.',
    ['FAHUO_WEBHOOK_URL', 'FAHUO_ACK_WEBHOOK'],
  ),
  secret: secret(
    'FAHUO_ACK_WEBHOOK_SECRET',
    shaped(webhookSecretShape, secretRule),
    'What webhooks are signed with: whsec_ and base64; two with a blank between while one is changed for the other.',
    ['FAHUO_WEBHOOK_SECRET'],
  ),
  allowHttp: setting(
    'FAHUO_WEBHOOK_ALLOW_HTTP',
    flag(false),
    'Post in the clear to another machine as well: for a network that is yours alone.',
  ),
  timeoutMs: setting(
    'FAHUO_WEBHOOK_TIMEOUT_MS',
    whole(15_000, 100, 60_000),
    'How long one webhook may take, its connection included.',
  ),
  window: setting('FAHUO_WEBHOOK_WINDOW', whole(16, 1, 256), 'Webhooks on the wire at once, an instance.'),
  giveUpMs: setting(
    'FAHUO_WEBHOOK_GIVE_UP_DAYS',
    days(3),
    'After so long of nothing but failures webhooks are paused, until fahuo webhook resume.',
  ),
};

export type WebhookSettings = Values<typeof webhookSettings>;
