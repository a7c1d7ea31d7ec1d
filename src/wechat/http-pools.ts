import { createHttp, type CallUse, type Http, type HttpOptions } from './http.ts';

/** Sockets of one app for each use. They are opened when they are needed, so a generous number costs nothing. */
export type PoolSizes = Readonly<Record<CallUse, number>>;

/** Reads run 64 at once (upload/app-reads.ts). Tokens and quotas are a handful of calls an hour. */
export const poolSizes = (window: number): PoolSizes => ({ upload: window, read: 64, token: 4 });

/**
 * A pool of sockets an app and use: an app whose uploads hang keeps neither another app waiting, nor its own reads,
 * which settle what hangs, nor its own tokens. A call of an app that is not listed takes the pool of its use that all
 * such calls share.
 */
export function createHttpPools(
  options: Omit<HttpOptions, 'connections'>,
  appids: readonly string[],
  sizes: PoolSizes,
): Http {
  const open = (use: CallUse): Http => createHttp({ ...options, connections: sizes[use] });
  const openAll = (): Record<CallUse, Http> => ({
    upload: open('upload'),
    read: open('read'),
    token: open('token'),
  });
  const others = openAll();
  const byApp = new Map(appids.map((appid) => [appid, openAll()]));
  return {
    call: (request, signal) => {
      const pools = byApp.get(request.of?.appid ?? '') ?? others;
      return pools[request.of?.use ?? 'read'].call(request, signal);
    },
    post: others.read.post,
    close: async () => {
      const all = [others, ...byApp.values()].flatMap((pools) => Object.values(pools));
      await Promise.all(all.map((http) => http.close()));
    },
  };
}
