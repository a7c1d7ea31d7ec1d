import { callWithToken, type CallDeps, type Called } from './call.ts';
import {
  readDone,
  readFlag,
  readPath,
  readRid,
  type DoneResult,
  type FlagResult,
  type PathResult,
  type RidResult,
} from './shop-replies.ts';

/**
 * What a person asks of an app as a whole: its pages, its standing, its limits. Every member resolves with a value and
 * never rejects. None is called by a role; `fahuo wechat` and `fahuo doctor` are.
 */
export type ShopCalls = {
  /** The page that WeChat's shipping messages open; one per app; wechat.md §1.6. */
  setJumpPath: (appid: string, path: string, signal?: AbortSignal) => Promise<DoneResult>;
  /** The page of an order in WeChat's order centre, with `${商品订单号}` in it; wechat.md §1.6. */
  setDetailPath: (appid: string, path: string, signal?: AbortSignal) => Promise<DoneResult>;
  getDetailPath: (appid: string, signal?: AbortSignal) => Promise<PathResult>;
  /** Whether the app is under shipping management; wechat.md §1.6. */
  isTradeManaged: (appid: string, signal?: AbortSignal) => Promise<FlagResult>;
  /** Whether all linked merchant numbers were authorised or unbound; wechat.md §1.6. */
  isConfirmationCompleted: (appid: string, signal?: AbortSignal) => Promise<FlagResult>;
  /**
   * Tells WeChat, and the buyer, that a payment ships late: `delayTo` in unix seconds. There is no member for the other
   * type of `opspecialorder`, which gives the buyer the money back; wechat.md §1.6.
   */
  reportPresale: (request: PresaleRequest, signal?: AbortSignal) => Promise<DoneResult>;
  /** Clears every daily counter of the app; ten a month; wechat.md §2.3. */
  clearQuota: (appid: string, signal?: AbortSignal) => Promise<DoneResult>;
  /** What WeChat received in one request of the last seven days; wechat.md §2.3. */
  lookUpRid: (appid: string, rid: string, signal?: AbortSignal) => Promise<RidResult>;
};

/** `orderId`: the transaction id, or the merchant's own number of the order. */
export type PresaleRequest = { appid: string; orderId: string; delayTo: number };

export const shopPaths = {
  jumpPath: '/wxa/sec/order/set_msg_jump_path',
  setDetailPath: '/wxa/sec/order/update_order_detail_path',
  getDetailPath: '/wxa/sec/order/get_order_detail_path',
  isTradeManaged: '/wxa/sec/order/is_trade_managed',
  isConfirmationCompleted: '/wxa/sec/order/is_trade_management_confirmation_completed',
  specialOrder: '/wxa/sec/order/opspecialorder',
  clearQuota: '/cgi-bin/clear_quota',
  rid: '/cgi-bin/openapi/rid/get',
} as const;

const presale = 1;

export function createShopCalls(deps: CallDeps): ShopCalls {
  const call = (appid: string, path: string, body: object, signal?: AbortSignal): Promise<Called> =>
    callWithToken(deps, { appid, path, body: JSON.stringify(body) }, signal);
  return {
    setJumpPath: async (appid, path, signal) =>
      readDone(await call(appid, shopPaths.jumpPath, { path }, signal)),
    setDetailPath: async (appid, path, signal) =>
      readDone(await call(appid, shopPaths.setDetailPath, { path }, signal)),
    getDetailPath: async (appid, signal) => readPath(await call(appid, shopPaths.getDetailPath, {}, signal)),
    isTradeManaged: async (appid, signal) =>
      readFlag(await call(appid, shopPaths.isTradeManaged, { appid }, signal), 'is_trade_managed'),
    isConfirmationCompleted: async (appid, signal) =>
      readFlag(await call(appid, shopPaths.isConfirmationCompleted, { appid }, signal), 'completed'),
    reportPresale: async ({ appid, orderId, delayTo }, signal) =>
      readDone(
        await call(
          appid,
          shopPaths.specialOrder,
          { order_id: orderId, type: presale, delay_to: delayTo },
          signal,
        ),
      ),
    clearQuota: async (appid, signal) => readDone(await call(appid, shopPaths.clearQuota, { appid }, signal)),
    lookUpRid: async (appid, rid, signal) => readRid(await call(appid, shopPaths.rid, { rid }, signal)),
  };
}
