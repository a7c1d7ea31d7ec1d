import type { PushPhase } from '../../db/states.ts';

/** An event of the inbox that is not applied yet. */
export type WaitingRow = {
  id: number;
  appid: string;
  event: string;
  phase: PushPhase | null;
  transactionId: string | null;
  mchid: string | null;
  outTradeNo: string | null;
  body: string;
  createdAt: Date | null;
  receivedAt: Date;
};

/** A payment by the merchant's numbers. */
export type MerchantName = { appid: string; mchid: string; outTradeNo: string };
export const merchantName = ({ appid, mchid, outTradeNo }: MerchantName): string =>
  JSON.stringify([appid, mchid, outTradeNo]);

/** A payment by its transaction. */
export type Named = { appid: string; transactionId: string };
