import { port, setting, text, whole, type Values } from '../setting.ts';

export const httpSettings = {
  port: setting(
    'FAHUO_HTTP_PORT',
    whole(9470, 0, 65_535),
    'Port of /metrics, /livez and /readyz; 0 takes any free port and prints it.',
    ['FAHUO_PORT'],
  ),
  host: setting('FAHUO_HTTP_HOST', text('127.0.0.1'), 'Address to listen on.', ['FAHUO_HOST']),
  publicPort: setting(
    'FAHUO_PUBLIC_PORT',
    port(),
    'A port of its own for /wechat/push, which WeChat must reach; unset leaves it on FAHUO_HTTP_PORT.',
  ),
  publicHost: setting('FAHUO_PUBLIC_HOST', text('127.0.0.1'), 'Address that FAHUO_PUBLIC_PORT listens on.'),
};

export type HttpSettings = Values<typeof httpSettings>;
