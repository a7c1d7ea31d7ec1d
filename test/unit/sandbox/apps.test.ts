import { describe, expect, it } from 'vitest';
import { appsShape, Apps } from '../../../src/sandbox/apps.ts';

describe('a sandbox that was told no app', () => {
  it('takes every appid with its first secret, and no second one', () => {
    const apps = new Apps();
    expect(apps.refusal('wx1', 'one')).toBeNull();
    expect(apps.refusal('wx1', 'one')).toBeNull();
    expect(apps.refusal('wx1', 'two')).toBe(40125);
    expect(apps.refusal('wx2', 'two')).toBeNull();
  });

  it('forgets the secrets at a reset', () => {
    const apps = new Apps();
    apps.refusal('wx1', 'typo');
    apps.reset();
    expect(apps.refusal('wx1', 'one')).toBeNull();
    expect(apps.refusal('wx1', 'typo')).toBe(40125);
  });

  it('knows none of the appids that it had seen once it is told an app', () => {
    const apps = new Apps();
    apps.refusal('wx1', 'one');
    apps.put('wx2', 'two');
    expect(apps.refusal('wx1', 'one')).toBe(40013);
    expect(apps.refusal('wx2', 'two')).toBeNull();
  });
});

describe('a sandbox that was told its apps', () => {
  it.each<[string, unknown, unknown, number | null]>([
    ['lets the right secret in', 'wx1', 'one', null],
    ['refuses a wrong secret', 'wx1', 'onE', 40125],
    ['refuses an unknown appid', 'wx2', 'one', 40013],
    ['refuses a missing appid', undefined, 'one', 41002],
    ['refuses an empty appid', '', 'one', 41002],
    ['refuses a missing secret', 'wx1', undefined, 41004],
    ['refuses an empty secret', 'wx1', '', 41004],
  ])('%s', (_claim, appid, secret, errcode) => {
    expect(new Apps({ wx1: 'one' }).refusal(appid, secret)).toBe(errcode);
  });

  it('takes another secret and another app, until a reset', () => {
    const apps = new Apps({ wx1: 'one' });
    apps.put('wx1', 'next');
    apps.put('wx2', 'two');
    expect(apps.refusal('wx1', 'one')).toBe(40125);
    expect(apps.refusal('wx1', 'next')).toBeNull();
    expect(apps.refusal('wx2', 'two')).toBeNull();
    apps.reset();
    expect(apps.refusal('wx1', 'one')).toBeNull();
    expect(apps.refusal('wx2', 'two')).toBe(40013);
  });
});

it.each<[string, unknown, boolean]>([
  ['one app', { appid: 'wx1', secret: 's' }, true],
  ['a list', [{ appid: 'wx1', secret: 's' }], true],
  ['an empty secret', { appid: 'wx1', secret: '' }, false],
  ['an empty appid', { appid: '', secret: 's' }, false],
  ['an appid with a blank', { appid: 'wx 1', secret: 's' }, false],
  ['a member too much', { appid: 'wx1', secret: 's', name: 'n' }, false],
])('an app is told by %s: %j', (_claim, body, taken) => {
  expect(appsShape.safeParse(body).success).toBe(taken);
});
