import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  deadLetterReasons,
  eventPlaces,
  eventReasons,
  eventStates,
  parkReasons,
  relayParkReasons,
  uploadStates,
} from '../../db/states.ts';
import { errorCodes } from '../../src/errors.ts';
import { recordStatements } from '../../src/upload/record-statements.ts';
import { createMetrics } from '../../src/metrics.ts';
import { groups } from '../../src/roles/config.ts';
import { generatedDocs } from '../support/generated-docs.ts';
import { nodeFlags } from '../support/node-flags.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** Stages that are given a group of settings whole, as their options. */
const stagesOf: Record<string, string[]> = {
  consumer: ['consumer'],
  relay: ['relay'],
  upload: ['upload'],
  timing: ['upload'],
  reconcile: ['reconcile'],
  retention: ['upload'],
  http: ['http'],
};

const filesBelow = (folder: string): string[] =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path}`);

/** `state --> state` lines of the diagram. */
const arrows = (): string[] =>
  [...read('docs/architecture.md').matchAll(/^\s+(\S+) --> (\S+?)(?::.*)?$/gm)].map(
    (found) => `${found[1]!} → ${found[2]!}`,
  );

/** What the other statements of the upload stage do: the states that each leaves and enters. */
const transitions: Record<string, [string[], string]> = {
  claimPending: [['pending'], 'uploading'],
  outdated: [['pending', 'parked'], 'superseded'],
  wakeParked: [['parked'], 'pending'],
  retire: [['pending', 'parked'], 'rejected'], // and what `reject` leaves
  resolveParked: [['parked'], 'acknowledged'], // or rejected
  offerAgain: [['acknowledged'], 'unknown'],
};

describe('the documents', () => {
  it('draw the state machine with every state and every transition, and no other', () => {
    const drawn = arrows().filter((arrow) => !arrow.includes('[*]'));
    const recorded = Object.values(recordStatements).flatMap(({ leaves, enters }) =>
      leaves.map((state) => `${state} → ${enters}`),
    );
    const others = Object.values(transitions).flatMap(([from, to]) =>
      from.map((state) => `${state} → ${to}`),
    );
    expect([...drawn].sort()).toEqual([...new Set([...recorded, ...others])].sort());
    expect(uploadStates.filter((state) => !drawn.join().includes(state))).toEqual([]);
  });

  it('know each transition by a function of the stage', () => {
    const stores = ['claim-store.ts', 'record-statements.ts', 'retire-store.ts', 'verbs-store.ts']
      .map((file) => read(`src/upload/${file}`))
      .join();
    expect(Object.keys(transitions).filter((name) => !stores.includes(name))).toEqual([]);
  });

  it('list every metric, park reason and dead-letter reason', async () => {
    const operations = read('docs/operations.md');
    const metrics = (await createMetrics().registry.getMetricsAsJSON()).map((metric) => metric.name);
    const names = [
      ...metrics.filter((name) => name.startsWith('fahuo_')),
      ...parkReasons,
      ...relayParkReasons,
      ...deadLetterReasons,
    ];
    expect(names.filter((name) => !operations.includes(`\`${name}\``))).toEqual([]);
  });

  it('tell writers every state, place and reason of an event', () => {
    const events = read('docs/events.md');
    const words = [...eventStates, ...eventPlaces, ...eventReasons];
    expect(words.filter((word) => !events.includes(`\`${word}\``))).toEqual([]);
  });

  it.each(Object.keys(generatedDocs))('%s is what the code says: `npm run docs` writes it', (path) => {
    expect(read(path)).toBe(generatedDocs[path]!());
  });

  it('explain every error that is thrown, and no other', () => {
    const documented = [...read('docs/errors.md').matchAll(/^## `(\w+)`$/gm)].map((found) => found[1]!);
    const sources = filesBelow('src').concat(filesBelow('db'));
    const text = sources.filter((file) => file !== 'src/errors.ts').map(read);
    const thrownCodes = errorCodes.filter((code) => text.some((source) => source.includes(`'${code}'`)));
    // This one is made in errors.ts itself, by a function that others call.
    expect([...thrownCodes, 'TOPIC_MISSING'].sort()).toEqual([...documented].sort());
  });

  it('tell of settings that are read, and of no other', () => {
    const readers = filesBelow('src').filter(
      (file) => !/settings\.ts$|roles\/(config|env-text)\.ts$/.test(file),
    );
    const unread = Object.entries(groups).flatMap(([group, settings]) => {
      // Whoever has the group in hand, or is given it whole.
      const text = readers.map(read).filter((source) => new RegExp(`\\b${group}\\b`).test(source));
      const stage = readers.filter((file) => stagesOf[group]?.includes(file.split('/')[1] ?? '') === true);
      const sources = [...text, ...stage.map(read)].join('\n');
      return Object.keys(settings)
        .filter((key) => !new RegExp(`[.{,(\\s]${key}\\b`).test(sources))
        .map((key) => `${group}.${key}`);
    });
    expect(unread).toEqual([]);
  });

  it('explain every error that a start can end with', () => {
    const operations = read('docs/operations.md');
    const atStart = errorCodes.filter((code) => /^(SCHEMA|RIGHTS|MIGRATION|POOLED)_/.test(code));
    expect(atStart).toHaveLength(7);
    expect(atStart.filter((code) => !operations.includes(`\`${code}\``))).toEqual([]);
  });

  it('start the command by its first file, which knows the flags', () => {
    expect(nodeFlags).toEqual(['--max-semi-space-size=8', '--heap-growing-percent=200']);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect([scripts['start'], scripts['fahuo']]).toEqual([
      'exec node -- src/cli/entry.js demo',
      'exec node -- src/cli/entry.js',
    ]);
  });

  it('name one Node that is needed, as package.json and the command do', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const [, major, minor] = /^>=(\d+)\.(\d+)\.0$/.exec(engines.node)!;
    expect(read('README.md')).toContain(`Node >= ${major}.${minor}`);
    expect(read('src/cli/entry.js')).toContain(`const needed = [${major}, ${minor}];`);
  });

  it('stay short: the README in 120 lines, a decision in 40', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(121);
    for (const file of readdirSync(new URL('docs/adr', root)))
      expect(read(`docs/adr/${file}`).split('\n').length, file).toBeLessThanOrEqual(41);
  });
});
