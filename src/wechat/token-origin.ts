/** Where the calls of an app have their token from. */
export type TokenOrigin =
  /** WeChat's own two interfaces; wechat.md §2.1. */
  | { readonly mode: 'stable' | 'plain'; readonly secret: string }
  /** Somebody else keeps the token: a central token server, or a third-party platform (wechat.md §0, §10). */
  | { readonly mode: 'external'; readonly from: TokenServer }
  /** Calls go without one: what stands between us and WeChat adds it, as cloud hosting does (wechat.md §10). */
  | { readonly mode: 'none' };

export type TokenServer =
  | { readonly kind: 'url'; readonly url: string; readonly bearer: string | undefined }
  /** Run without a shell: the program, and its arguments as they are. */
  | { readonly kind: 'command'; readonly argv: readonly string[] };

/** For messages: a path, a query or an argument may hold a secret, so neither is shown. */
export function nameOfServer(server: TokenServer): string {
  if (server.kind === 'url') return `the token server at ${new URL(server.url).host}`;
  return `the token command ${server.argv[0] ?? ''}`;
}
