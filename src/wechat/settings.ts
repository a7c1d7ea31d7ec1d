import { choice, ms, secret, setting, text, url, type Values } from '../setting.ts';

export const wechatSettings = {
  baseUrl: setting(
    'WECHAT_BASE_URL',
    url(['http', 'https'], { fallback: 'https://api.weixin.qq.com' }),
    'WeChat, or a sandbox in development.',
    ['WECHAT_URL', 'WECHAT_API_URL'],
  ),
  tokenMode: setting(
    'FAHUO_TOKEN_MODE',
    choice(['stable', 'plain', 'external', 'none'], 'stable'),
    'stable uses /cgi-bin/stable_token; plain uses /cgi-bin/token, 2,000 a day; external asks FAHUO_TOKEN_URL or FAHUO_TOKEN_COMMAND; none sends no token.',
  ),
  tokenUrl: secret(
    'FAHUO_TOKEN_URL',
    url(['http', 'https']),
    'For external: GET of it answers the token, as JSON or text; {appid} in it stands for the appid.',
  ),
  tokenBearer: secret('FAHUO_TOKEN_BEARER', text(), 'Sent to FAHUO_TOKEN_URL as Authorization: Bearer.'),
  tokenCommand: setting(
    'FAHUO_TOKEN_COMMAND',
    text(),
    'For external: a program and its arguments, split at blanks, run without a shell; it writes the token to stdout.',
  ),
  callTimeoutMs: setting('FAHUO_CALL_TIMEOUT_MS', ms(10_000), 'The longest one call to WeChat may take.'),
};

export type WechatSettings = Values<typeof wechatSettings>;
