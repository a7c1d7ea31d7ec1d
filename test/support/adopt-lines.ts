import type { Pool } from '../../db/client.ts';
import type { Shipment } from '../../src/shipment/events.ts';
import type { WrittenEvent } from './adopt.ts';

const ways = { 1: 'express', 2: 'same-city', 3: 'virtual', 4: 'pick-up' } as const;

/**
 * An event in a line, with everything but its id, source and time, as `test/support/shops/NAME.ship.sql` expects it:
 * `shipped v1 wx… 42000…: express unified [YTO YT9 保温杯*1] to oFAKE-1`.
 */
export function lineOf({ type, appid, version, reason, data }: WrittenEvent): string {
  const { order_key: key, logistics_type: way, delivery_mode: mode, ...rest } = data as Shipment;
  const payment = key.order_number_type === 2 ? key.transaction_id : `${key.mchid}:${key.out_trade_no}`;
  const done = mode === 1 ? 'unified' : rest.is_all_delivered === true ? 'split all' : 'split open';
  const parcels = rest.shipping_list.map((parcel) => {
    const words = [
      parcel.express_company,
      parcel.tracking_no,
      parcel.item_desc,
      parcel.contact?.receiver_contact,
    ];
    return `[${words.filter((word) => word !== undefined).join(' ')}]`;
  });
  const verb = type.split('.').at(-2) ?? type;
  const because = reason === undefined ? '' : ` because ${reason}`;
  return `${verb} v${version} ${appid} ${payment}: ${ways[way]} ${done} ${parcels.join(' ')} to ${rest.payer.openid}${because}`;
}

export type ExpectedLines = { cases: ReadonlyMap<string, string[]>; backfill: string[] };

/** The lines behind `-- => ` of each block, and those of `-- @backfill`. */
export function expectedLines(shipFile: string): ExpectedLines {
  const [blocks = '', backfill = ''] = shipFile.split(/^-- @backfill$/m);
  const linesOf = (text: string): string[] =>
    [...text.matchAll(/^-- => (.*)$/gm)].map(([, line = '']) => line);
  const cases = blocks
    .split(/^-- @case /m)
    .slice(1)
    .map((block) => [block.split(' ', 1)[0] ?? '', linesOf(block)] as const);
  return { cases: new Map(cases), backfill: linesOf(backfill) };
}

/** What a person has to look at: `held no_tracking_no 42000…`. */
export async function waitingLines(
  pool: Pool,
  source: string,
  state: 'held' | 'proposed',
): Promise<string[]> {
  const { rows } = await pool.query<{ payment: string; reason: string | null }>(
    'select payment, reason from fahuo.adopt_payment where source = $1 and state = $2 order by id',
    [source, state],
  );
  return rows.map(({ payment, reason }) =>
    [state, reason, payment].filter((word) => word !== null).join(' '),
  );
}
