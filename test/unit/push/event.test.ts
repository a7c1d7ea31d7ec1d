import { describe, expect, it } from 'vitest';
import { factsOf, knownEvents, readEvent, warningText } from '../../../src/push/event.ts';
import {
  asJson,
  asXml,
  pushAppid,
  pushedAt,
  reminder,
  settledPhase,
  settlement,
  shippedPhase,
  type Members,
} from '../../support/pushes.ts';

const at = (seconds: number): Date => new Date(seconds * 1_000);
const facts = (body: string, receivedAt = at(pushedAt)) =>
  factsOf(readEvent(body), { appid: pushAppid, transactionId: '4200001' }, receivedAt);

describe('a pushed event', () => {
  it('names itself, its payment and its time', () => {
    expect(readEvent(asJson(shippedPhase('4200001')))).toEqual({
      key: `trade_manage_order_settlement|4200001|shipped|${pushedAt - 10}`,
      event: 'trade_manage_order_settlement',
      phase: 'shipped',
      transactionId: '4200001',
      mchid: '1900000109',
      outTradeNo: 'T4200001',
      createdAt: at(pushedAt),
      body: asJson(shippedPhase('4200001')),
    });
  });

  it('is the same from XML', () => {
    for (const members of [shippedPhase('4200001'), settledPhase('4200001'), reminder('4200001')]) {
      const [json, xml] = [readEvent(asJson(members)), readEvent(asXml(members))];
      expect({ ...xml, body: json.body }).toEqual(json);
      expect(facts(asXml(members))).toEqual(facts(asJson(members)));
    }
  });

  it('is settled by what it tells: either time above zero', () => {
    const phase = (members: Members) => readEvent(asJson(settlement('4200001', members))).phase;
    expect(phase({ confirm_receive_time: pushedAt })).toBe('settled');
    expect(phase({ settlement_time: `${pushedAt}` })).toBe('settled');
    expect(phase({ settlement_time: 0, confirm_receive_time: '', confirm_receive_method: 0 })).toBe(
      'shipped',
    );
    expect(phase({})).toBe('shipped');
    expect(readEvent(asJson(reminder('4200001'))).phase).toBeNull();
  });

  it('is kept whatever it is', () => {
    expect(readEvent('{"MsgType":"event","Event":"debug_demo"}')).toMatchObject({
      event: 'debug_demo',
      phase: null,
      transactionId: null,
    });
    expect(readEvent('{"MsgType":"text","Content":"hello"}')).toMatchObject({ event: 'text' });
    for (const text of ['{}', 'success', '', `{"Event":"${'x'.repeat(200)}"}`])
      expect(readEvent(text)).toMatchObject({ event: 'unreadable', createdAt: null, body: text });
  });
});

describe('what an event names', () => {
  const named = (members: Members) => readEvent(asJson(members)).transactionId;

  it('is no transaction where it is empty, too long, or has other characters at either end', () => {
    for (const none of ['', 'x'.repeat(65), '!4200001', '4200001!', '1900:A'])
      expect(named({ ...shippedPhase('x'), transaction_id: none })).toBeNull();
    expect(named({ ...shippedPhase('x'), transaction_id: 'x'.repeat(64) })).toHaveLength(64);
    expect(named({ Event: 'debug_demo' })).toBeNull();
  });

  it('is known by four names', () => {
    expect(knownEvents).toEqual([
      'trade_manage_order_settlement',
      'trade_manage_remind_shipping',
      'trade_manage_remind_access_api',
      'wxa_trade_controlled',
    ]);
  });

  it('of a warning is what WeChat says, cut; nothing where it says nothing', () => {
    expect(warningText('{"msg":"交易受限"}')).toBe('交易受限');
    expect(warningText(JSON.stringify({ msg: '限'.repeat(600) }))).toBe(
      `${'限'.repeat(500)}… (600 characters)`,
    );
    for (const none of ['{}', '{"msg":7}', 'success']) expect(warningText(none)).toBe('');
  });
});

describe('two pushes are one event', () => {
  const keyOf = (members: Members) => readEvent(asJson(members)).key;

  it('where payment and phase are the same, whatever else WeChat writes anew', () => {
    const again = { ToUserName: 'gh_other', CreateTime: pushedAt + 9 };
    expect(keyOf({ ...shippedPhase('1'), ...again })).toBe(keyOf(shippedPhase('1')));
    expect(keyOf({ ...settledPhase('1'), ...again })).toBe(keyOf(settledPhase('1')));
  });

  it('and not for another payment, another phase, or a payment that is shipped anew', () => {
    const keys = [
      keyOf(shippedPhase('1')),
      keyOf(shippedPhase('2')),
      keyOf(settledPhase('1')),
      keyOf({ ...shippedPhase('1'), shipped_time: pushedAt + 1 }),
    ];
    expect(new Set(keys).size).toBe(4);
  });

  it('and money is told of after a receipt that was told alone', () => {
    const alone = { ...settledPhase('1'), settlement_time: 0 };
    expect(readEvent(asJson(alone)).phase).toBe('settled');
    expect(keyOf({ ...alone, settlement_time: '' })).toBe(keyOf(alone));
    expect(keyOf(settledPhase('1'))).not.toBe(keyOf(alone));
  });

  it('by the merchant’s numbers where there is no transaction', () => {
    const { transaction_id: _id, ...rest } = settledPhase('1');
    expect(keyOf(rest)).toBe('trade_manage_order_settlement|1900000109:T1|settled');
    // Half a name is none: what tells another text is another event then.
    for (const half of [{ merchant_trade_no: '' }, { merchant_id: '' }])
      expect(keyOf({ ...rest, ...half })).not.toBe(keyOf({ ...rest, ...half, settlement_time: pushedAt }));
  });

  it('and a reminder of another day is another', () => {
    expect(keyOf(reminder('1'))).toBe(keyOf(reminder('1')));
    expect(keyOf({ ...reminder('1'), CreateTime: pushedAt + 86_400 })).not.toBe(keyOf(reminder('1')));
  });

  it('and what nobody knows is told apart by its text, although it names a payment', () => {
    const other = { ...reminder('1'), Event: 'debug_demo' };
    expect(keyOf({ ...other, msg: 'a' })).not.toBe(keyOf({ ...other, msg: 'b' }));
  });

  it('or by sender, time and text where nothing else says it', () => {
    const warning = { Event: 'wxa_trade_controlled', FromUserName: 'o1', CreateTime: 1, msg: 'a' };
    expect(keyOf({ ...warning })).toBe(keyOf(warning));
    for (const other of [{ msg: 'b' }, { FromUserName: 'o2' }, { CreateTime: 2 }, { Event: 'x' }])
      expect(keyOf({ ...warning, ...other })).not.toBe(keyOf(warning));
  });

  it('and a key is short, however long the texts are', () => {
    const long = 'x'.repeat(5_000);
    expect(keyOf({ Event: long, FromUserName: long, transaction_id: long }).length).toBeLessThan(700);
    const most = { Event: 'x'.repeat(128), FromUserName: 'x'.repeat(128), msg: long };
    expect(keyOf(most).length).toBeLessThan(700);
  });
});

describe('the facts of an event', () => {
  const payment = {
    appid: pushAppid,
    transactionId: '4200001',
    mchid: '1900000109',
    subMchid: undefined,
    outTradeNo: 'T4200001',
    paidAt: at(pushedAt - 100_000),
  };

  it('are what it tells when the shipping is complete', () => {
    expect(facts(asJson(shippedPhase('4200001')))).toEqual({
      ...payment,
      orderState: 2,
      shippedAt: at(pushedAt - 10),
      expectedSettlementAt: at(pushedAt + 864_000),
      confirmMethod: undefined,
      confirmedAt: undefined,
      settledAt: undefined,
    });
  });

  it('are the receipt and the money when it settles; the method as it came', () => {
    expect(facts(asJson(settledPhase('4200001')))).toEqual({
      ...payment,
      orderState: 4,
      shippedAt: at(pushedAt - 10),
      expectedSettlementAt: undefined,
      confirmMethod: 1,
      confirmedAt: at(pushedAt + 400),
      settledAt: at(pushedAt + 450),
    });
  });

  it('say confirmed while the money is not there', () => {
    const members = { ...settledPhase('4200001'), settlement_time: 0 };
    expect(facts(asJson(members))).toMatchObject({ orderState: 3, settledAt: undefined });
  });

  it('leave out a method that is none', () => {
    for (const method of [0, '', 32_768, 'x'])
      expect(
        facts(asJson({ ...settledPhase('4200001'), confirm_receive_method: method })).confirmMethod,
      ).toBeUndefined();
    expect(facts(asJson({ ...settledPhase('4200001'), confirm_receive_method: '32767' })).confirmMethod).toBe(
      32_767,
    );
  });

  it('of a reminder are that it came, and no state', () => {
    expect(facts(asJson(reminder('4200001')))).toEqual({ ...payment, remindedAt: at(pushedAt) });
    const { CreateTime: _time, ...rest } = reminder('4200001');
    expect(facts(asJson(rest), at(7)).remindedAt).toEqual(at(7));
  });

  it('keep the sub-merchant apart', () => {
    const members = { ...shippedPhase('4200001'), sub_merchant_id: '1900000999' };
    expect(facts(asJson(members)).subMchid).toBe('1900000999');
  });
});
