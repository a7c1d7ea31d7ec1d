import { z } from 'zod';
import type { Payment } from './world.ts';

/** What somebody changes by hand, in WeChat's console, of a payment that is shipped; what is not named stays. */
export const consoleEdit = z.strictObject({
  /** Either name of the payment. */
  payment: z.string().min(1),
  delivery_mode: z.int().optional(),
  logistics_type: z.int().optional(),
  is_all_delivered: z.boolean().optional(),
  shipping_list: z.array(z.looseObject({ item_desc: z.string() })).optional(),
});
export type ConsoleEdit = z.output<typeof consoleEdit>;

/**
 * The upload that an edit amounts to; null when nothing is shipped yet. The console knows no upload_time: the next one
 * by the API need not be newer than the edit, only newer than the last upload.
 */
export function editedBody(payment: Payment, edit: ConsoleEdit): object | null {
  const { shipping } = payment;
  if (shipping === null) return null;
  return {
    order_key: { order_number_type: 2, transaction_id: payment.transactionId },
    logistics_type: edit.logistics_type ?? shipping.logisticsType,
    delivery_mode: edit.delivery_mode ?? shipping.deliveryMode,
    is_all_delivered: edit.is_all_delivered ?? shipping.finished,
    shipping_list: edit.shipping_list ?? shipping.parcels.map(parcelBody),
    upload_time: new Date(payment.lastUploadTimeMs + 1).toISOString(),
    payer: { openid: payment.openid ?? 'console' },
  };
}

const parcelBody = (parcel: NonNullable<Payment['shipping']>['parcels'][number]): object => ({
  tracking_no: parcel.trackingNo,
  express_company: parcel.company,
  item_desc: parcel.itemDesc,
  ...(parcel.contact === '' ? {} : { contact: JSON.parse(parcel.contact) as unknown }),
});
