import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { accessSync } from 'node:fs';
import { expect, it } from 'vitest';
import { headersOf, keysIn } from '../../../src/webhook/sign.ts';
import { blocksOf, readText } from '../../support/documents.ts';
import { webhookSecret } from '../../support/webhook-shop.ts';

/** The verification of docs/webhooks.md as a program: arguments are secret, id, timestamp, signature and body. */
const programs: Record<string, { file: string; run: string[]; wrap: (snippet: string) => string }> = {
  ts: {
    file: 'verify.ts',
    run: [process.execPath],
    wrap: (snippet) => `${snippet}
const [secret, id, at, signature, body] = process.argv.slice(2) as [string, string, string, string, string];
const headers = { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature };
try { verify(body, headers, secret); console.log('verified'); } catch (error) { console.log((error as Error).message); }`,
  },
  java: {
    file: 'Verify.java',
    run: ['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1'],
    wrap: (snippet) => `
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.time.Instant;
import java.util.*;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
public class Verify {
  public static void main(String[] a) throws Exception {
    for (int at = 1; at + 3 < a.length; at += 4) {
      Map<String, String> headers = Map.of("webhook-id", a[at], "webhook-timestamp", a[at + 1], "webhook-signature", a[at + 2]);
      try { verify(a[at + 3], headers::get, a[0]); System.out.println("verified"); }
      catch (SecurityException refused) { System.out.println(refused.getMessage()); }
    }
  }
  ${snippet}
}`,
  },
  php: {
    file: 'verify.php',
    run: ['php'],
    wrap: (snippet) => `<?php
${snippet}
[, $secret, $id, $at, $signature, $body] = $argv;
$headers = ['webhook-id' => $id, 'webhook-timestamp' => $at, 'webhook-signature' => $signature];
try { verify($body, $headers, $secret); echo "verified\\n"; } catch (RuntimeException $e) { echo $e->getMessage(), "\\n"; }`,
  },
};
const isThere = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program));
      return true;
    } catch {
      return false;
    }
  });

const body = '{"type":"t","timestamp":"t","data":{"text":"红富士 5kg"}}';
const at = Math.floor(Date.now() / 1_000);
const keys = [Buffer.alloc(32, 'another'), ...keysIn(webhookSecret)];
const signed = (timestampS: number): string[] =>
  Object.values(headersOf(keys, { id: 'ack-1', timestampS, body }));
const [id = '', now = '', signature = ''] = signed(at);
const cases: [string[], string][] = [
  [[id, now, signature, body], 'verified'],
  [[id, now, signature, `${body} `], 'not signed'],
  [['ack-2', now, signature, body], 'not signed'],
  [[id, String(at + 1), signature, body], 'not signed'],
  [[id, now, 'v1,', body], 'not signed'],
  [[...signed(at - 400), body], 'too old'],
];

it.each(Object.keys(programs).filter((name) => name !== 'php' || isThere('php')))(
  'the verification in %s that is printed in docs/webhooks.md takes what we sign, and nothing else',
  (name) => {
    const { file, run, wrap } = programs[name]!;
    const snippet = blocksOf(readText('docs/webhooks.md')).find(({ info }) => info === name)!.text;
    const path = join(mkdtempSync(join(tmpdir(), 'fahuo-verify-')), file);
    writeFileSync(path, wrap(snippet));
    const [program = '', ...flags] = run;
    // Java takes two seconds to compile: all cases in one go.
    const calls = name === 'java' ? [cases.flatMap(([args]) => args)] : cases.map(([args]) => args);
    const said = calls.map((args) => {
      const { stdout, stderr } = spawnSync(program, [...flags, path, webhookSecret, ...args], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C.UTF-8', NODE_NO_WARNINGS: '1' },
      });
      return stdout + stderr;
    });
    expect(said.join('').trim().split('\n')).toEqual(cases.map(([, expected]) => expected));
  },
);
