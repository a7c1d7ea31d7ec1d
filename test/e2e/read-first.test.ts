import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connectAlone } from '../../db/client.ts';
import type { Shipment } from '../../src/shipment/events.ts';
import { expectedOf, shopCases } from '../support/adopt.ts';
import { createDatabase } from '../support/database.ts';
import { blocksOf, readText } from '../support/documents.ts';
import { eventually } from '../support/eventually.ts';
import { requestsOf } from '../support/sandbox-client.ts';
import { createStack, effectsOf, tellSandbox } from '../support/stack.ts';

/** What a shop's own uploader sent before fahuo came: the same, or a waybill that somebody has corrected since. */
const sentByShop = (data: Shipment, waybill?: string): object => ({
  ...data,
  shipping_list: data.shipping_list.map((parcel) => ({
    ...parcel,
    ...(waybill === undefined ? {} : { tracking_no: waybill }),
  })),
  upload_time: '2026-11-20T10:00:00.000+08:00',
});

it('a backfill that reads first sends what WeChat does not know, and leaves alone what it shows as shipped', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fahuo-read-first-'));
  const shop = await createDatabase();
  const env = { WECHAT_APPID: expectedOf('yudao').backfill.events[0]!.appid, SHOP_DATABASE_URL: shop.url };
  const stack = await createStack({ sandbox: { autoCreatePayments: false }, env });
  try {
    const session = await connectAlone(shop.url, 'shop');
    await session.query(readText('test/support/shops/yudao.sql'));
    for (const { statements } of shopCases(readText('test/support/shops/yudao.ship.sql')))
      for (const statement of statements) await session.query(statement);
    await session.end();
    const wanted = expectedOf('yudao').backfill.events.map((event) => event.data as Shipment);
    const nameOf = ({ order_key: key }: Shipment): string =>
      key.order_number_type === 2 ? key.transaction_id : `${key.mchid}:${key.out_trade_no}`;
    await tellSandbox(
      stack.wechat,
      'payments',
      wanted.map((data) => ({ transaction_id: nameOf(data) })),
    );
    const [same, other, ...unknown] = wanted;
    await tellSandbox(stack.wechat, 'console-ship', sentByShop(same!));
    await tellSandbox(stack.wechat, 'console-ship', sentByShop(other!, 'SF0000000000000'));
    const file = join(folder, 'shop.yaml');
    await writeFile(
      file,
      blocksOf(readText('docs/adopting/yudao.md')).find(({ info }) => info === 'yaml')!.text,
    );
    const early = await stack.run('adopt', 'backfill', file, '--execute');
    expect(early).toMatchObject({ code: 1, stdout: '' });
    expect(early.stderr).toMatch(/has no triggers of .*: run fahuo adopt apply/);
    expect(await stack.run('adopt', 'apply', file)).toMatchObject({ code: 0 });
    const run = await stack.run('adopt', 'backfill', file, '--read-first', '--execute', '--json');
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toMatchObject({ complete: true, events: wanted.length });
    const running = await stack.start({ roles: 'relay,consume,upload' });
    try {
      await eventually(async () => {
        const { rows } = await stack.database.pool.query('select state from fahuo.acknowledgements');
        expect(rows).toEqual(wanted.map(() => ({ state: 'acknowledged' })));
      });
    } finally {
      await running.stop();
    }
    const effects = (await effectsOf(stack.wechat)).map(({ payment, kind, byHand }) => ({
      payment,
      kind,
      byHand,
    }));
    expect(effects).toEqual(
      expect.arrayContaining(unknown.map((data) => ({ payment: nameOf(data), kind: 'ship', byHand: false }))),
    );
    expect(effects.filter(({ byHand }) => byHand)).toHaveLength(2);
    expect(effects).toHaveLength(wanted.length);
    expect((await requestsOf(stack.wechat)).map(({ payment }) => payment)).not.toContain(nameOf(other!));
  } finally {
    await stack.close();
    await shop.drop();
    await rm(folder, { recursive: true, force: true });
  }
});
