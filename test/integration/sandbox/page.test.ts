import { createHash } from 'node:crypto';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { eventually } from '../../support/eventually.ts';
import { tellSandbox } from '../../support/sandbox-client.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await createSandbox({}, systemClock);
});
afterEach(() => sandbox.stop());

const get = async (path = '/', headers: Record<string, string> = {}) => {
  const answer = await fetch(sandbox.url + path, { headers });
  return { answer, text: await answer.text() };
};

async function upload(payment: string, change: object): Promise<{ errcode: number; errmsg: string }> {
  const asked = { grant_type: 'client_credential', appid: 'wx1', secret: 's' };
  const body = JSON.stringify(asked);
  const token = (await (
    await fetch(`${sandbox.url}/cgi-bin/stable_token`, { method: 'POST', body })
  ).json()) as {
    access_token: string;
  };
  const request = {
    order_key: { order_number_type: 2, transaction_id: payment },
    logistics_type: 1,
    delivery_mode: 1,
    shipping_list: [
      {
        tracking_no: 'SF1',
        express_company: 'SF',
        item_desc: '苹果',
        contact: { receiver_contact: '138****1234' },
      },
    ],
    upload_time: systemClock().toISOString(),
    payer: { openid: 'o1' },
    ...change,
  };
  const url = `${sandbox.url}/wxa/sec/order/upload_shipping_info?access_token=${token.access_token}`;
  return (await (await fetch(url, { method: 'POST', body: JSON.stringify(request) })).json()) as {
    errcode: number;
    errmsg: string;
  };
}

const hostile = [`<script>alert(1)</script>`, `"><img src=x onerror=alert(2)>`, `' onmouseover='alert(3)`];

it('a page of somebody else changes nothing, not even by a name that leads here', async () => {
  await tellSandbox(sandbox.url, 'payments', { transaction_id: 'p' });
  const { host, port } = new URL(sandbox.url);
  const post = async (headers: Record<string, string>): Promise<number> => {
    const { statusCode, body } = await request(`${sandbox.url}/_sandbox/reset`, { method: 'POST', headers });
    await body.dump();
    return statusCode;
  };
  const byName = `evil.example:${port}`;
  expect(await post({ origin: 'https://evil.example', 'content-type': 'text/plain' })).toBe(403);
  expect(await post({ origin: `http://${byName}`, host: byName })).toBe(403);
  expect((await get('/_sandbox/payments/p')).answer.status).toBe(200);
  expect(await post({ origin: `http://${host}` })).toBe(200);
  expect((await get('/_sandbox/payments/p')).answer.status).toBe(404);
});

describe('the page of the sandbox', () => {
  it('shows hostile names, buyers, parcels and faults as the text that they are', async () => {
    for (const [index, text] of hostile.entries()) {
      const payment = `${text}${index}`;
      await tellSandbox(sandbox.url, 'payments', {
        transaction_id: payment,
        openid: text,
        out_trade_no: text,
        mchid: '1',
      });
      const parcel = {
        tracking_no: text,
        express_company: 'SF',
        item_desc: text,
        contact: { receiver_contact: '138****1234' },
      };
      expect(await upload(payment, { shipping_list: [parcel], payer: { openid: text } })).toMatchObject({
        errcode: 0,
      });
      await tellSandbox(sandbox.url, 'faults', {
        kind: 'errcode',
        errcode: 1,
        errmsg: text,
        transaction_id: text,
      });
    }
    const { text: page } = await get(`/?find=${encodeURIComponent('"><script>alert(4)</script>')}`);
    const { text: all } = await get();
    expect(all).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    for (const one of [page, all]) {
      expect(one.match(/<script/g)).toHaveLength(1);
      expect(one).not.toMatch(/<img|<script>alert/);
      // No attribute but ours: each value stands between double quotes, and holds none.
      expect(one.replaceAll(/="[^"]*"/g, '')).not.toMatch(/<[^>]*\bon\w+\s*=/);
    }
  });

  it('runs and loads nothing but its own script and style, and is framed by nobody', async () => {
    const { answer, text } = await get();
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = answer.headers.get('content-security-policy') ?? '';
    for (const [tag, directive] of [
      ['script', 'script-src'],
      ['style', 'style-src'],
    ] as const) {
      const inside = new RegExp(`<${tag}>([\\s\\S]*)</${tag}>`).exec(text)?.[1] ?? '';
      const hash = createHash('sha256').update(inside).digest('base64');
      expect(policy).toContain(`${directive} 'sha256-${hash}'`);
    }
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(text).not.toMatch(/\sstyle="|\son\w+="/);
  });

  it('shows what a request was refused for', async () => {
    await tellSandbox(sandbox.url, 'payments', { transaction_id: '42001' });
    expect(await upload('42001', { delivery_mode: 'UNIFIED_DELIVERY' })).toMatchObject({
      errcode: 268485224,
    });
    expect(await upload('42002', {})).toMatchObject({ errcode: 10060001 });
    const { text } = await get();
    expect(text).toMatch(/upload <bdi class="id">42001<\/bdi>\s*<b class="no">268485224<\/b>/);
    expect(text).toMatch(/upload <bdi class="id">42002<\/bdi>\s*<b class="no">10060001<\/b> 支付单不存在/);
  });

  it('shows how far the money is, and offers what the buyer and the shop can do', async () => {
    await sandbox.stop();
    sandbox = await createSandbox({ dayMs: 1 }, systemClock);
    await tellSandbox(sandbox.url, 'payments', {
      transaction_id: '42001',
      paid_amount: 1_234,
      in_complaint: true,
    });
    expect(await upload('42001', {})).toMatchObject({ errcode: 0 });
    const page = await eventually(async () => {
      const { text } = await get();
      expect(text).toContain('<span class="state s4">4 complete</span>');
      return text;
    }, 5_000);
    expect(page).toContain('¥12.34');
    expect(page).toContain('in complaint');
    expect(page).toMatch(/settled \d{4}-\d\d-\d\d/);
    for (const path of ['confirm', 'refund', 'push']) expect(page).toContain(`data-path="${path}"`);
    expect(page).toContain('in_complaint');
  });

  it('speaks the language of its reader', async () => {
    expect((await get('/', { 'accept-language': 'zh-CN' })).text).toContain('<html lang="zh-CN">');
    expect((await get('/', { 'accept-language': 'de' })).text).toContain('<html lang="en">');
  });
});

describe('a fault that is played next', () => {
  it('is met once, by the next request of its payment, whatever was there before, and others go on', async () => {
    await tellSandbox(sandbox.url, 'payments', [{ transaction_id: '42001' }, { transaction_id: '42002' }]);
    await tellSandbox(sandbox.url, 'faults', [{ kind: 'errcode', errcode: 45011, transaction_id: '42002' }]);
    for (let round = 0; round < 3; round++) {
      const next = { kind: 'errcode', errcode: 45009, transaction_id: '42001' };
      expect(await tellSandbox(sandbox.url, 'faults/next', next)).toMatchObject({
        faults: [next, { errcode: 45011 }],
      });
      expect(await upload('42002', {})).toMatchObject({ errcode: 45011 });
      expect(await upload('42001', {})).toMatchObject({ errcode: 45009 });
      expect((await upload('42001', {})).errcode).not.toBe(45009);
    }
  });

  it('must name its payment', async () => {
    expect(await tellSandbox(sandbox.url, 'faults/next', { kind: 'garbage' })).toEqual({
      error: expect.stringMatching(/^transaction_id is .*: must name the payment/) as string,
    });
  });
});
