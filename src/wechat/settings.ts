import { choice, ms, setting, url, type Values } from '../setting.ts';

export const wechatSettings = {
  baseUrl: setting(
    'WECHAT_BASE_URL',
    url(['http', 'https'], { fallback: 'https://api.weixin.qq.com' }),
    'WeChat, or a sandbox in development.',
    ['WECHAT_URL', 'WECHAT_API_URL'],
  ),
  tokenMode: setting(
    'FAHUO_TOKEN_MODE',
    choice(['stable', 'plain'], 'stable'),
    'stable uses /cgi-bin/stable_token; plain uses /cgi-bin/token, 2,000 a day.',
  ),
  callTimeoutMs: setting('FAHUO_CALL_TIMEOUT_MS', ms(10_000), 'The longest one call to WeChat may take.'),
};

export type WechatSettings = Values<typeof wechatSettings>;
