import type { Pool } from '../../db/client.ts';
import { appid } from '../support/events.ts';

/** `data` of a valid shipped event of 1,000 bytes; PAYMENT stands for 24 digits. */
export const dataTemplate = ((): string => {
  const data = (padding: number): string =>
    JSON.stringify({
      order_key: { order_number_type: 2, transaction_id: 'PAYMENT' },
      logistics_type: 1,
      delivery_mode: 2,
      is_all_delivered: true,
      shipping_list: Array.from({ length: 6 }, (_, index) => ({
        tracking_no: `SF10000${index}`,
        express_company: 'SF',
        item_desc: `红富士苹果 5kg*1${'x'.repeat(index === 0 ? padding : 10)}`,
        contact: { receiver_contact: '138****1234' },
      })),
      payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
    });
  const size = (padding: number): number => Buffer.byteLength(data(padding)) + 24 - 'PAYMENT'.length;
  return data(Math.max(0, 1_000 - size(0)));
})();

const chunk = 1_000;

/** Writes `count` events of 1 kB, a payment each, in transactions of a thousand, past `fahuo.enqueue` for speed. */
export async function fillOutbox(pool: Pool, count: number, prefix: string): Promise<void> {
  const lane = async (first: number): Promise<void> => {
    for (let from = first; from < count; from += 2 * chunk)
      await pool.query(
        `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
         select $1 || '-' || n, 'fahuo.shipment.shipped.v1', '/orders', '2026-11-23T10:00:00+08:00', $2, p, 1,
           replace($3, 'PAYMENT', p)
         from generate_series($4::int, $5::int - 1) n, lateral (select '4200001234' || lpad(n::text, 14, '0') as p) x`,
        [prefix, appid, dataTemplate, from, Math.min(count, from + chunk)],
      );
  };
  await Promise.all([lane(0), lane(chunk)]);
}

/** The whole event as an order service hands it to `fahuo.enqueue`. */
export const eventText = (eventId: string, payment: string): string =>
  `{"id":"${eventId}","type":"fahuo.shipment.shipped.v1","source":"/orders","time":"2026-11-23T10:00:00+08:00",` +
  `"appid":"${appid}","version":1,"data":${dataTemplate.replace('PAYMENT', payment)}}`;

export const paymentOf = (number: number): string => `4200001234${String(number).padStart(14, '0')}`;

/** Of payments that no other run has written: the door refuses a version that a payment has had. */
export const freshNumber = (): number => Number(process.hrtime.bigint() / 1_000n) % 1e13;

/** One writer that has drawn an id and does not commit: nothing after it is published until `release`. */
export async function holdFrontier(pool: Pool): Promise<{ release: () => Promise<void> }> {
  const holder = await pool.connect();
  await holder.query('begin; set local idle_in_transaction_session_timeout = 0');
  await holder.query('select fahuo.enqueue($1)', [
    eventText(`holder-${process.hrtime.bigint()}`, paymentOf(freshNumber())),
  ]);
  return {
    release: async () => {
      await holder.query('commit');
      holder.release();
    },
  };
}
