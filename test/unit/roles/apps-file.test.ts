import { describe, expect, it } from 'vitest';
import { readAppsText, serverOf, type AppDefaults } from '../../../src/roles/apps-file.ts';
import { blocksOf, readText } from '../../support/documents.ts';

const defaults: AppDefaults = {
  maxCallsPerSecond: undefined,
  parcelLists: 'cumulative',
  tokenMode: 'stable',
  tokenUrl: undefined,
  tokenBearer: undefined,
  tokenCommand: undefined,
};
const files: Record<string, { text: string } | { why: string }> = {
  'wx1.secret': { text: 'hush' },
  'aes.key': { text: 'k'.repeat(43) },
  gone: { why: 'cannot be read: ENOENT' },
};
const read = (apps: unknown, change: Partial<AppDefaults> = {}) =>
  readAppsText(
    typeof apps === 'string' ? apps : JSON.stringify(apps),
    { ...defaults, ...change },
    (path) => files[path] ?? { why: 'is no file of the test' },
  );
const problemsOf = (apps: unknown, change: Partial<AppDefaults> = {}): string[] => {
  const answered = read(apps, change);
  return answered.kind === 'wrong' ? answered.problems : [];
};
const tokenOf = (app: object, change: Partial<AppDefaults> = {}) => {
  const answered = read([{ appid: 'wx1', ...app }], change);
  return answered.kind === 'apps' ? answered.apps[0]?.token : answered.problems;
};

describe('the apps file', () => {
  it('gives each app its own members, and the environment’s where it names none', () => {
    const apps = [
      { appid: 'wx1', secret: 's1', max_calls_per_second: 5, parcel_lists: 'delta' },
      { appid: 'wx2', secret_file: 'wx1.secret' },
    ];
    expect(read(apps, { maxCallsPerSecond: 9 })).toEqual({
      kind: 'apps',
      apps: [
        { appid: 'wx1', token: { mode: 'stable', secret: 's1' }, maxCallsPerSecond: 5, parcelLists: 'delta' },
        {
          appid: 'wx2',
          token: { mode: 'stable', secret: 'hush' },
          maxCallsPerSecond: 9,
          parcelLists: 'cumulative',
        },
      ],
    });
    expect(tokenOf({ secret: 's', token_mode: 'plain' })).toEqual({ mode: 'plain', secret: 's' });
  });

  it('reads the keys of pushes from files, and for whom they are encrypted', () => {
    const push = { token_file: 'wx1.secret', aes_key_file: 'aes.key', component_appid: 'wx9' };
    expect(read([{ appid: 'wx1', secret: 's', push }])).toMatchObject({
      apps: [{ push: { token: 'hush', aesKey: 'k'.repeat(43), componentAppid: 'wx9' } }],
    });
  });

  it('needs no secret of an app whose token comes from elsewhere', () => {
    expect(tokenOf({ token_mode: 'none' })).toEqual({ mode: 'none' });
    expect(
      tokenOf({ token_mode: 'external', token_url: 'https://t/{appid}?a={appid}', token_bearer: 'b' }),
    ).toEqual({
      mode: 'external',
      from: { kind: 'url', url: 'https://t/wx1?a=wx1', bearer: 'b' },
    });
    expect(
      tokenOf({ token_mode: 'external', token_url: 'https://t/', token_bearer_file: 'wx1.secret' }),
    ).toMatchObject({ from: { bearer: 'hush' } });
    expect(tokenOf({ token_mode: 'external', token_command: '/opt/token "of {appid}"' })).toEqual({
      mode: 'external',
      from: { kind: 'command', argv: ['/opt/token', 'of wx1'] },
    });
    expect(
      tokenOf({ token_mode: 'external', token_command: ['/opt/token', 'a | b', '{appid}'] }),
    ).toMatchObject({
      from: { argv: ['/opt/token', 'a | b', 'wx1'] },
    });
  });

  it('takes the environment’s token server for an app that names none, and never shows its bearer to another', () => {
    const elsewhere = { tokenMode: 'external', tokenUrl: 'https://t/{appid}', tokenBearer: 'b' } as const;
    expect(tokenOf({}, elsewhere)).toEqual({
      mode: 'external',
      from: { kind: 'url', url: 'https://t/wx1', bearer: 'b' },
    });
    expect(tokenOf({ token_bearer: 'own' }, elsewhere)).toMatchObject({
      from: { url: 'https://t/wx1', bearer: 'own' },
    });
    expect(tokenOf({ token_url: 'https://other/' }, elsewhere)).toEqual({
      mode: 'external',
      from: { kind: 'url', url: 'https://other/', bearer: undefined },
    });
    expect(tokenOf({ token_command: '/opt/token' }, elsewhere)).toMatchObject({
      from: { argv: ['/opt/token'] },
    });
    expect(tokenOf({ token_mode: 'stable', secret: 's' }, elsewhere)).toEqual({
      mode: 'stable',
      secret: 's',
    });
  });

  it.each<[unknown, string]>([
    ['[{"appid":', 'it is no JSON: write [{"appid":"wx…","secret":"…"}]'],
    ['{}', 'it must be a list: [{"appid":"wx…","secret":"…"}]'],
    ['[]', 'it is an empty list: name one app at least'],
    [
      [{ appid: 'wx1', secret: 's', push: { aes_key: 'k'.repeat(43) } }],
      'app 1 (wx1): push.token is missing: name token or token_file',
    ],
    [
      [{ appid: 'wx1', secret: 's', push: { token: 't', token_file: 'f' } }],
      'app 1 (wx1): push.token and push.token_file are both set: keep one of them',
    ],
    [
      [{ appid: 'wx1', secret: 's', push: { token: 't', previous_token_file: 'gone' } }],
      'app 1 (wx1): push.previous_token_file is "gone": cannot be read: ENOENT',
    ],
    [
      [{ appid: 'wx1', secret: 's', push: { token: 't', aes_key_file: 'wx1.secret' } }],
      'app 1 (wx1): push.aes_key_file is "wx1.secret": what it holds must be an EncodingAESKey: 43 letters, digits, + or /',
    ],
    [
      [{ appid: 'wx1', secret: 's', push: { token: 't', component_appid: 'wx9' } }],
      'app 1 (wx1): push.component_appid is set, and push.aes_key is not: the pushes of a platform are encrypted',
    ],
    [
      [{ appid: 'wx1', secret: 's', push: { token: 't', component_appid: 'wx 9' } }],
      'app 1 (wx1): push.component_appid is (hidden): must be an appid: 1 to 64 letters, digits, _ or -',
    ],
    [['wx1'], 'app 1 is "wx1": must be an object like {"appid":"wx…","secret":"…"}'],
    [[null], 'app 1 is null: must be an object like {"appid":"wx…","secret":"…"}'],
    [[{ secret: 's' }], 'app 1: appid is missing: it must be the appid of the mini-program, as a text'],
    [
      [{ appid: 'wx 1', secret: 's' }],
      'app 1 (wx 1): appid is "wx 1": must be an appid: 1 to 64 letters, digits, _ or -',
    ],
    [
      [{ appid: 'wx1' }],
      'app 1 (wx1): secret is missing: token_mode is stable, so name secret or secret_file, or another token_mode',
    ],
    [[{ appid: 'wx1', secret: '' }], 'app 1 (wx1): secret is (hidden): must be a text that is not empty'],
    [
      [{ appid: 'wx1', secret: 's', secret_file: 'f' }],
      'app 1 (wx1): secret and secret_file are both set: keep one of them',
    ],
    [[{ appid: 'wx1', secret_file: 'gone' }], 'app 1 (wx1): secret_file is "gone": cannot be read: ENOENT'],
    [[{ appid: 'wx1', sekret: 's' }], 'app 1 (wx1): sekret is not a member: did you mean secret?'],
    [
      [{ appid: 'wx1', secret: 's', max_calls_per_second: 0 }],
      'app 1 (wx1): max_calls_per_second is 0: must be from 0.01 to 100000',
    ],
    [
      [{ appid: 'wx1', secret: 's', max_calls_per_second: '5' }],
      'app 1 (wx1): max_calls_per_second is "5": must be a number',
    ],
    [
      [{ appid: 'wx1', secret: 's', parcel_lists: 'all' }],
      'app 1 (wx1): parcel_lists is "all": must be cumulative or delta',
    ],
    [
      [{ appid: 'wx1', token_mode: 'extern' }],
      'app 1 (wx1): token_mode is "extern": must be stable, plain, external or none',
    ],
    [
      [{ appid: 'wx1', token_mode: 'external' }],
      'app 1 (wx1): token_mode is external, and neither token_url nor token_command is set',
    ],
    [
      [{ appid: 'wx1', token_mode: 'external', token_url: 'ftp://hush' }],
      'app 1 (wx1): token_url is (hidden): must be a URL with the scheme http or https',
    ],
    [
      [{ appid: 'wx1', token_mode: 'external', token_url: 'http://t', token_command: 'c' }],
      'app 1 (wx1): token_url and token_command are both set: keep one of them',
    ],
    [
      [{ appid: 'wx1', token_mode: 'external', token_command: 'c', token_bearer: 'b' }],
      'app 1 (wx1): token_bearer is set, and token_url is not',
    ],
    [
      [{ appid: 'wx1', token_mode: 'external', token_command: 'cat x | head' }],
      'app 1 (wx1): token_command holds |, and no shell reads it: call a script, or put it in quotes',
    ],
    [
      [{ appid: 'wx1', token_mode: 'external', token_command: ['c', 'a\0b'] }],
      'app 1 (wx1): token_command is (hidden): must not hold a zero byte',
    ],
    [
      [{ appid: 'wx1', secret: 's', token_url: 'http://t' }],
      'app 1 (wx1): token_url is set, and token_mode is stable: write "token_mode": "external", or leave token_url out',
    ],
    [
      [{ appid: 'wx1', token_mode: 'none', token_bearer: 'b' }],
      'app 1 (wx1): token_bearer is set, and token_mode is none: write "token_mode": "external", or leave token_bearer out',
    ],
  ])('%j is refused: %s', (apps, problem) => {
    expect(problemsOf(apps)).toEqual([problem]);
  });

  it('is as docs/operations.md has it', () => {
    const [example] = blocksOf(readText('docs/operations.md')).filter(({ info }) => info === 'json apps');
    const answered = readAppsText(example?.text ?? '', defaults, () => ({ text: 'of a file' }));
    expect(answered.kind === 'apps' && answered.apps.map(({ token }) => token.mode)).toEqual([
      'stable',
      'stable',
      'external',
      'external',
    ]);
  });

  it('names a member that is near nothing with those that there are', () => {
    expect(problemsOf([{ appid: 'wx1', secret: 's', color: 'red' }])).toEqual([
      expect.stringMatching(/^app 1 \(wx1\): color is not a member: there are appid, secret, secret_file,/),
    ]);
  });

  it('names an appid that stands there twice with both its places, and says everything at once', () => {
    expect(
      problemsOf([
        { appid: 'wx1', secret: 's' },
        { appid: 'wx2', secret: 7 },
        { appid: 'wx1', secret: 't' },
      ]),
    ).toEqual([
      'app 2 (wx2): secret is (hidden): must be a text',
      'the appid wx1 stands at 1 and 3: an app has one entry',
    ]);
  });

  it('refuses two apps that would get one token, unless their bearers tell them apart', () => {
    const shared = { tokenMode: 'external', tokenUrl: 'https://t/token' } as const;
    const why = 'wx2 would get the token of wx1: write {appid} into its token_url or token_command';
    expect(problemsOf([{ appid: 'wx1' }, { appid: 'wx2' }], shared)).toEqual([why]);
    expect(
      problemsOf([{ appid: 'wx1' }, { appid: 'wx2' }], { ...shared, tokenUrl: 'https://t/{appid}' }),
    ).toEqual([]);
    const ofTheirOwn = [
      { appid: 'wx1', token_bearer: 'a' },
      { appid: 'wx2', token_bearer: 'b' },
    ];
    expect(problemsOf(ofTheirOwn, shared)).toEqual([]);
    const command = { token_mode: 'external', token_command: ['/opt/token'] };
    expect(
      problemsOf([
        { appid: 'wx1', ...command },
        { appid: 'wx2', ...command },
      ]),
    ).toEqual([why]);
  });

  it('never repeats a secret in a problem', () => {
    const hushed = [
      { appid: 'wx1', secret: 'hush', secret_file: 'hush2' },
      { appid: 'wx2', token_url: 'hush', token_bearer: 'hush', token_command: 7 },
      { appid: 'wx3', token_mode: 'external', token_bearer: 'hush', token_command: 'hush |' },
    ];
    expect(problemsOf(hushed).join('\n')).not.toContain('hush');
  });
});

describe('a token server of the environment', () => {
  const named = { mode: 'MODE', url: 'URL', bearer: 'BEARER', command: 'COMMAND' };
  it('is named as the settings are', () => {
    const none = { appid: 'wx1', url: undefined, bearer: undefined, command: undefined };
    expect(serverOf(none, named)).toEqual({
      kind: 'wrong',
      why: 'MODE is external, and neither URL nor COMMAND is set',
    });
    expect(serverOf({ ...none, command: 'a; b' }, named)).toMatchObject({
      why: expect.stringMatching(/^COMMAND holds ;/) as string,
    });
  });
});
