import { describe, expect, it } from 'vitest';
import { html, trusted } from '../../../src/sandbox/page/html.ts';
import { renderPage } from '../../../src/sandbox/page/render.ts';
import { findPayments, type PageView } from '../../../src/sandbox/page/view.ts';
import { languageOf, wordsOf } from '../../../src/sandbox/page/words.ts';
import { World } from '../../../src/sandbox/world.ts';

const nowMs = Date.parse('2026-11-30T10:00:00+08:00');
const worldOf = (count: number): World => {
  const world = new World({ parcelMode: 'merge', readLagMs: 0, autoCreatePayments: false });
  for (let number = 1; number <= count; number++)
    world.put({ transaction_id: `42000${number}`, openid: `oBuyer${number}` }, nowMs);
  return world;
};
const viewOf = (world: World, change: Partial<PageView> = {}): PageView => ({
  url: 'http://127.0.0.1:9471',
  find: '',
  nowMs,
  counts: { payments: world.payments.size, effects: '0', requests: 0, faults: 0, tokens: 0 },
  ...findPayments(world, ''),
  recent: [],
  rules: [],
  verbs: [],
  ...change,
});

describe('a piece of HTML', () => {
  it('escapes every value that is no HTML, in texts and in attributes', () => {
    expect(html`<a b="${`"'`}">${'<&>'} ${7}${null}</a>`.html).toBe('<a b="&quot;&#39;">&lt;&amp;&gt; 7</a>');
    const items = [html`<li>${'<'}</li>`, html`<li></li>`];
    expect(html`${items}${trusted('<hr>')}`.html).toBe('<li>&lt;</li><li></li><hr>');
  });
});

describe('the page', () => {
  it('shows the newest hundred payments, and says how many more there are', () => {
    const page = renderPage(viewOf(worldOf(130)), 'en');
    expect(page).toContain('42000130</bdi>');
    expect(page).toContain('4200031</bdi>');
    expect(page).not.toContain('4200030</bdi>');
    expect(page).toContain('+30: older ones');
  });

  it('finds a payment by any part of its names, its buyer or a parcel, in whatever case', () => {
    const world = worldOf(30);
    const found = (text: string): string[] =>
      findPayments(world, text).payments.map(({ transactionId }) => transactionId);
    expect(found(' OBUYER17 ')).toEqual(['4200017']);
    expect(found('T420005')).toEqual(['420005']);
    const upload = {
      payment: '420003',
      logisticsType: 1,
      deliveryMode: 1,
      allDelivered: true,
      parcels: [{ trackingNo: 'SF99', company: 'SF', itemDesc: '苹果', contact: '' }],
      uploadTimeMs: nowMs,
      openid: 'oBuyer3',
    };
    expect(world.upload(upload, { appid: 'wx1', body: '{}' }, nowMs)).toBe(0);
    expect(found('sf99')).toEqual(['420003']);
    expect(found('nowhere')).toEqual([]);
    expect(renderPage(viewOf(world, { find: 'nowhere', payments: [] }), 'en')).toContain(
      'No payment has that',
    );
  });

  it('offers for a payment what the sandbox has a path for', () => {
    const world = worldOf(1);
    expect(renderPage(viewOf(world), 'en')).not.toContain('data-path="confirm"');
    const page = renderPage(viewOf(world, { verbs: ['confirm', 'refund'] }), 'en');
    expect(page).toContain('data-path="confirm" data-body="{&quot;payment&quot;:&quot;420001&quot;}"');
    expect(page).toContain('data-path="refund"');
    expect(page).not.toContain('data-path="push"');
    expect(page).not.toContain('name="paid_amount"');
    const all = renderPage(
      viewOf(world, { verbs: ['push', 'in_complaint', 'paid_amount'] }),
      'en',
    ).replaceAll('&quot;', '"');
    expect(all).toContain('data-path="push" data-body="{"payment":"420001","push":"settled"}"');
    expect(all).toContain('data-path="payments" data-body="{"transaction_id":"420001","in_complaint":true}"');
    expect(all).toContain('name="paid_amount"');
  });

  it('lets one rule be removed, and leaves the others as they are', () => {
    const rules = [
      { kind: 'lost_answer', endpoint: 'upload', rate: 0.5 },
      { kind: 'garbage', endpoint: 'token', rate: 1, committed: true },
    ] as const;
    const page = renderPage(viewOf(worldOf(0), { rules }), 'en').replaceAll('&quot;', '"');
    expect(page).toContain(`data-path="faults" data-body="${JSON.stringify([rules[1]])}"`);
    expect(page).toContain(`data-path="faults" data-body="${JSON.stringify([rules[0]])}"`);
  });

  it('names the payment and the hint of a refused request, and nothing else of its body', () => {
    const body = '{"transaction_id":"42000","secret":"s3cret"}';
    const recent = [
      { atMs: nowMs, endpoint: 'upload', body, answer: '47001', hint: 'payer.openid' } as const,
    ];
    const page = renderPage(viewOf(worldOf(0), { recent }), 'en');
    expect(page).toContain('data format error');
    expect(page).toContain('<i>payer.openid</i>');
    expect(page).not.toContain('s3cret');
  });

  it('speaks Chinese where the reader asks for it, and has a word for everything', () => {
    expect(languageOf(undefined, 'zh-CN,zh;q=0.9')).toBe('zh');
    expect(languageOf(undefined, 'en-US,zh;q=0.9')).toBe('en');
    expect(languageOf('zh', 'en')).toBe('zh');
    expect(languageOf(['zh'], undefined)).toBe('en');
    expect(renderPage(viewOf(worldOf(1)), 'zh')).toContain('待发货');
    const [en, zh] = [wordsOf('en'), wordsOf('zh')];
    expect(Object.keys(zh)).toEqual(Object.keys(en));
    expect(zh.states.length).toBe(en.states.length);
  });
});
