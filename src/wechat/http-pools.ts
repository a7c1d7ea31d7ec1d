import { createHttp, type CallUse, type Http, type HttpOptions } from './http.ts';

/** Sockets of one app for each use. They are opened when they are needed, so a generous number costs nothing. */
export type PoolSizes = Readonly<Record<CallUse, number>>;

/** Reads run 64 at once (upload/app-reads.ts). Tokens and quotas are a handful of calls an hour. */
export const poolSizes = (window: number): PoolSizes => ({ upload: window, read: 64, token: 4 });

/**
 * A pool of sockets an app and use: an app whose uploads hang keeps neither another app waiting, nor its own reads,
 * which settle what hangs, nor its own tokens. Calls that are nobody's share the pool of their use. A pool is made at its
 * first call; the sockets of an app that retired close when they are idle.
 */
export function createHttpPools(options: Omit<HttpOptions, 'connections'>, sizes: PoolSizes): Http {
  const pools = new Map<string, Http>();
  let closed = false;
  const poolOf = ({ appid, use }: { appid: string; use: CallUse }): Http => {
    const name = `${use} ${appid}`;
    const known = pools.get(name);
    if (known !== undefined) return known;
    const pool = createHttp({ ...options, connections: sizes[use] });
    pools.set(name, pool);
    if (closed) void pool.close();
    return pool;
  };
  return {
    call: (request, signal) => poolOf(request.of ?? { appid: '', use: 'read' }).call(request, signal),
    post: (...request) => poolOf({ appid: '', use: 'read' }).post(...request),
    close: async () => {
      closed = true;
      await Promise.all([...pools.values()].map((http) => http.close()));
    },
  };
}
