import { describe, expect, it } from 'vitest';
import { allSettings } from '../../../src/roles/config.ts';
import { readNames } from '../../../src/roles/names.ts';

const problemsOf = (env: Record<string, string>): string[] => readNames(env, allSettings).problems;
const wordsOf = (env: Record<string, string>): string[] =>
  readNames(env, allSettings).notices.map(({ text }) => text);

/** What Kubernetes writes into every pod of a namespace that has a service of this name. */
const serviceNames = (service: string, port: number): Record<string, string> => {
  const name = service.toUpperCase().replaceAll('-', '_');
  return {
    [`${name}_SERVICE_HOST`]: '10.96.0.7',
    [`${name}_SERVICE_PORT`]: String(port),
    [`${name}_SERVICE_PORT_HTTP_METRICS`]: String(port),
    [`${name}_PORT`]: `tcp://10.96.0.7:${port}`,
    [`${name}_PORT_${port}_TCP`]: `tcp://10.96.0.7:${port}`,
    [`${name}_PORT_${port}_TCP_ADDR`]: '10.96.0.7',
    [`${name}_PORT_${port}_TCP_PORT`]: String(port),
    [`${name}_PORT_${port}_TCP_PROTO`]: 'tcp',
  };
};

describe('names of the environment', () => {
  it.each(['fahuo', 'fahuo-http', 'fahuo-relay', 'kafka', 'redis', 'wechat'])(
    'that Kubernetes makes of a service called %s are passed over',
    (service) => {
      const env = serviceNames(service, 9470);
      expect(readNames(env, allSettings)).toEqual({ problems: [], notices: [] });
    },
  );

  it.each([
    ['FAHUO_WINDOWS', 'FAHUO_WINDOW'],
    ['FAHUO_HTPP_PORT', 'FAHUO_HTTP_PORT'],
    ['FAHUO_PORT', 'FAHUO_HTTP_PORT'],
    ['FAHUO_KAFKA_BROKERS', 'KAFKA_BROKERS'],
    ['FAHUO_DATABASE_URL_FILE', 'DATABASE_URL_FILE'],
  ])('that begin with FAHUO_ and are no setting are a problem: %s was meant to be %s', (name, meant) => {
    expect(problemsOf({ [name]: '3' })).toEqual([`${name} is not a setting: did you mean ${meant}?`]);
  });

  it('are a problem without a suggestion where none is near', () => {
    expect(problemsOf({ FAHUO_FOO: '1', FAHUO_: '1' })).toEqual([
      'FAHUO_FOO is not a setting',
      'FAHUO_ is not a setting',
    ]);
    expect(problemsOf({ FAHUO_FOO: '' })).toEqual([]);
  });

  it.each([
    ['REDIS_URI', 'REDIS_URL'],
    ['KAFKA_BROKER', 'KAFKA_BROKERS'],
    ['KAFKA_BOOTSTRAP_SERVERS', 'KAFKA_BROKERS'],
    ['KAFKA_GROUP_ID', 'KAFKA_GROUP'],
    ['WECHAT_APP_ID', 'WECHAT_APPID'],
    ['WECHAT_APPSECRET', 'WECHAT_SECRET'],
    ['WECHAT_SECERT_FILE', 'WECHAT_SECRET_FILE'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['POSTGRES_URL', 'DATABASE_URL'],
  ])('that may be somebody else’s are worth a word while ours is unset: %s', (name, meant) => {
    expect(problemsOf({ [name]: 'x' })).toEqual([]);
    expect(wordsOf({ [name]: 'x' })).toEqual([`${name} is read by nobody: did you mean ${meant}?`]);
    expect(wordsOf({ [name]: 'x', [meant]: 'y' })).toEqual([]);
    expect(wordsOf({ [name]: 'x', [`${meant}_FILE`]: 'y' })).toEqual([]);
  });

  it('that are near none of ours are nobody’s business', () => {
    const others = {
      KAFKA_LISTENERS: 'x',
      KAFKA_HEAP_OPTS: 'x',
      REDIS_PASSWORD: 'x',
      POSTGRES_PASSWORD: 'x',
      WECHAT_MCHID: 'x',
      DATABASE_POOL: '5',
      PATH: '/bin',
    };
    expect(readNames(others, allSettings)).toEqual({ problems: [], notices: [] });
  });
});
