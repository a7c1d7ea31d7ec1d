import { expect, it } from 'vitest';
import { isForeign } from '../../../src/sandbox/foreign.ts';

it.each([
  ['no browser', undefined, '127.0.0.1:9471', false],
  ['its own page', 'http://127.0.0.1:9471', '127.0.0.1:9471', false],
  ['its own page by a name', 'http://localhost:9471', 'LOCALHOST:9471', false],
  ['its own page by a name of this machine', 'http://shop.localhost:9471', 'shop.localhost:9471', false],
  ['its own page by IPv6', 'http://[::1]:9471', '[::1]:9471', false],
  ['a page of the internet', 'https://evil.example', '127.0.0.1:9471', true],
  ['a page of another port', 'http://127.0.0.1:8080', '127.0.0.1:9471', true],
  ['a file, or a frame in a sandbox', 'null', '127.0.0.1:9471', true],
  ['a name that leads here for now', 'http://evil.example:9471', 'evil.example:9471', true],
  ['a name that begins like an address', 'http://1.evil.example:9471', '1.evil.example:9471', true],
  ['a name with localhost within', 'http://a.localhost.evil.example', 'a.localhost.evil.example', true],
  ['a request without a host', 'http://127.0.0.1', undefined, true],
])('%s: %s at %s is foreign: %s', (_who, origin, host, foreign) => {
  expect(isForeign({ origin, host })).toBe(foreign);
});
