import { readFileSync } from 'node:fs';
import type { LooseEvent } from './events.ts';

/** What people wrote, made up after public reports: how each ends, at every door. */
export type Case = { name: string; expect: 'taken' | 'refused' | 'waiting'; note: string; event: LooseEvent };

export const cases: readonly Case[] = readFileSync(new URL('cases.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);
