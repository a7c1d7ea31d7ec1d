#!/usr/bin/env -S node --
// The command's first file. It is plain JavaScript with old imports alone, so that every Node that a host may have reads
// it: an old one is told what is needed, in one line. A checkout runs the sources, the package runs `dist`.
import { existsSync } from 'fs';
import { fileURLToPath } from 'url';

// A young generation that may grow to 100 MB is garbage kept, not speed: with 8 MB hostile input peaks at 290 MB.
// The old one may: a process that does little is otherwise collected twice a second (ADR 11).
const heapFlags = ['--max-semi-space-size=8', '--heap-growing-percent=200'];
// glibc raises the size from which a buffer has pages of its own whenever one is freed: soon those that Kafka's messages
// come in lie in its arenas, which are not given back. Set by hand the size stays, and two arenas are enough: hostile
// input peaks some 50 MB lower. What the environment says goes before.
const allocator = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '2' };
const needed = [22, 22];

function isOldNode(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < needed[0] || (major === needed[0] && minor < needed[1]);
}

function mainFile() {
  const source = new URL('./main.ts', import.meta.url);
  return existsSync(source) ? source : new URL('../../dist/src/cli/main.js', import.meta.url);
}

/**
 * V8 takes the size of the young generation at its start alone: set later it is ignored, and Node 24 takes 64 MB of it.
 * So Node starts again with the flags, in this process: pid, signals, exit code and the standard streams stay.
 * Where a process cannot be replaced (Windows) it runs without them.
 */
function run(main) {
  if (process.platform === 'win32' || process.execve === undefined) return import(main.href);
  const flags = [...heapFlags, ...process.execArgv]; // of two flags that disagree V8 takes the last: the caller's
  // Behind the `--` Node leaves --env-file alone, which it would look for itself.
  const argv = [process.execPath, ...flags, '--', fileURLToPath(main), ...process.argv.slice(2)];
  return process.execve(process.execPath, argv, { ...allocator, ...process.env });
}

if (isOldNode(process.versions.node)) {
  console.error(
    `fahuo: Node ${needed.join('.')} or newer is needed, and this is Node ${process.versions.node}. Install it from nodejs.org, or use the image node:24.`,
  );
  process.exitCode = 1;
} else run(mainFile());
