import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { runProgram } from './programs.ts';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- vitest extends by merging
  interface ProvidedContext {
    /** The packed tarball. */
    tarball: string;
    /** A folder in which nothing but the package was installed. */
    shop: string;
    /** The folder that holds `node` of each version. */
    nodes: Record<NodeVersion, string>;
  }
}

const root = resolve(import.meta.dirname, '../..');

/** The oldest that package.json allows, the newest, and two that must be refused. */
export const nodeVersions = ['18.20.8', '20.20.2', '22.22.0', '24.21.0'] as const;
export type NodeVersion = (typeof nodeVersions)[number];

/** Packs and installs once for all files of this project; npm's cache is empty, as on a new machine. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const temp = await mkdtemp(join(tmpdir(), 'fahuo-package-'));
  const nodes = fetchNodes();
  const tarball = await pack(temp);
  project.provide('tarball', tarball);
  project.provide('shop', await install(temp, tarball));
  project.provide('nodes', await nodes);
  return () => rm(temp, { recursive: true, force: true });
}

async function pack(temp: string): Promise<string> {
  const { stdout } = await npm(root, temp, 'pack', '--silent', '--pack-destination', temp);
  return join(temp, stdout.trim().split('\n').at(-1)!);
}

async function install(temp: string, tarball: string): Promise<string> {
  const shop = join(temp, 'shop');
  await mkdir(shop);
  await writeFile(join(shop, 'package.json'), '{ "private": true }\n');
  await npm(shop, temp, 'install', '--no-audit', '--no-fund', tarball);
  return shop;
}

/** Kept between runs beside Kafka's jars: 45 MB each, and they never change. */
async function fetchNodes(): Promise<Record<NodeVersion, string>> {
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const folder = (version: string): string => join(root, '.cache', `node-${version}`);
  for (const version of nodeVersions) {
    const has = await runProgram(join(binOf(folder(version)), 'node'), ['--version']).catch(() => undefined);
    if (has?.stdout.trim() === `v${version}`) continue;
    await mkdir(folder(version), { recursive: true });
    await writeFile(join(folder(version), 'package.json'), '{ "private": true }\n');
    const name = `node@npm:node-${os}-${process.arch}@${version}`;
    await npm(folder(version), undefined, 'install', '--no-audit', '--no-fund', '--force', name);
  }
  return Object.fromEntries(nodeVersions.map((version) => [version, binOf(folder(version))])) as Record<
    NodeVersion,
    string
  >;
}

const binOf = (folder: string): string => join(folder, 'node_modules', 'node', 'bin');

/** With this machine's registry and certificates; `temp` holds a cache of the run's own. */
export async function npm(
  cwd: string,
  temp: string | undefined,
  ...args: string[]
): Promise<{ stdout: string }> {
  const env =
    temp === undefined ? process.env : { ...process.env, npm_config_cache: join(temp, 'npm-cache') };
  const ended = await runProgram('npm', args, { cwd, env });
  if (ended.code !== 0) throw new Error(`npm ${args.join(' ')}: ${ended.stderr}`);
  return ended;
}
