import { describe, expect, it } from 'vitest';
import { decideRequest, type PushRefusal } from '../../../src/push/decide.ts';
import { maxBodyBytes } from '../../../src/push/receive.ts';
import { genuine, hostileKinds, wireOf, type Wire } from '../../campaign/push-requests.ts';
import { pushAppid, pushKey, pushToken } from '../../support/pushes.ts';
import { createRandom } from '../../support/random.ts';

const seconds = 1_780_000_000;
const keys = { appid: pushAppid, tokens: [pushToken], aesKeys: [pushKey.aesKey] };

/** Why each kind must be refused: a kind that is refused for another reason tests nothing. */
const reasons: Record<string, readonly PushRefusal[]> = {
  bad_signature: ['signature'],
  other_token: ['signature'],
  replayed_timestamp: ['stale'],
  future_timestamp: ['stale'],
  timestamp_as_text: ['malformed'],
  other_nonce: ['signature'],
  signature_alone: ['signature'],
  in_clear: ['in_clear'],
  wrong_appid: ['wrong_appid'],
  wrong_key: ['undecryptable'],
  another_path: ['unknown_app'],
  bad_padding: ['undecryptable'],
  bad_length: ['undecryptable'],
  truncated_base64: ['undecryptable'],
  truncated_body: ['malformed'],
  no_text: ['malformed'],
  bomb: ['malformed', 'in_clear'], // the one with many attributes is read, and holds nothing
  wrong_method: ['method'],
  two_megabytes: [],
  given_twice: ['malformed', 'signature'],
  a_check: ['signature'],
};

function reasonOf({ method, appid, search, body }: Wire): string {
  const query: Record<string, string | string[]> = {};
  const parameters = new URLSearchParams(search);
  for (const name of parameters.keys()) {
    const all = parameters.getAll(name);
    query[name] = all.length > 1 ? all : (all[0] ?? '');
  }
  const decided = decideRequest(
    { method, query, body: Buffer.from(body as string) },
    appid === pushAppid ? keys : undefined,
    { now: new Date(seconds * 1_000), toleranceMs: 300_000 },
  );
  return decided.kind === 'refused' ? decided.reason : decided.kind;
}

describe('the requests of the campaign', () => {
  it.each(Object.entries(hostileKinds))('%s is refused for what it is', (kind, make) => {
    const draw = createRandom(9);
    const made = Array.from({ length: 40 }, (_, at) => make(draw, seconds, genuine(at, seconds).message));
    if (kind === 'two_megabytes') {
      for (const { body } of made) expect(body.length).toBeGreaterThan(maxBodyBytes);
      return;
    }
    expect(
      [...new Set(made.map(reasonOf))].filter((reason) => !reasons[kind]?.includes(reason as 'stale')),
    ).toEqual([]);
  });

  it('have genuine pushes that are taken, each another', () => {
    const all = Array.from({ length: 60 }, (_, at) => genuine(at, seconds));
    expect(new Set(all.map(({ message }) => reasonOf(wireOf(message, seconds))))).toEqual(new Set(['event']));
    expect(new Set(all.map(({ payment }) => payment)).size).toBe(60);
  });
});
