import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../src/parts/cache.ts';
import { runToEnd } from '../../src/parts/process.ts';

const version = '4.7.0';
const java = join(import.meta.dirname, 'java');

/** WxJava's jars, fetched once by Maven; several processes may fill the cache at the same time. */
async function wxJavaJars(): Promise<string> {
  const folder = join(cacheFolder(), `wxjava-${version}`);
  if ((await readdir(folder).catch(() => [])).length > 0) return folder;
  await mkdir(cacheFolder(), { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  await runToEnd('mvn', [
    ...['-q', '-B', '-f', join(java, 'wxjava-pom.xml'), `-Dwxjava.version=${version}`],
    ...['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fresh}`],
  ]);
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true, force: true }));
  return folder;
}

/** What Pushes.java answers to each line. */
export async function askWxJava(lines: readonly (readonly string[])[]): Promise<string[]> {
  const child = spawn('java', ['-cp', join(await wxJavaJars(), '*'), join(java, 'Pushes.java')]);
  let said = '';
  let failed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (failed += text));
  child.stdin.end(lines.map((line) => `${line.join('\t')}\n`).join(''));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new TypeError(`java ended with ${String(code)}: ${failed.slice(-3_000)}`);
  return said.split('\n').slice(0, -1);
}
