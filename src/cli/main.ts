#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=200 --
// A young generation that may grow to 100 MB is garbage kept, not speed: with 8 MB hostile input peaks at 290 MB.
// The old one may: a process that does little is otherwise collected twice a second (ADR 11).
// Behind the `--` Node leaves --env-file alone, which it would look for itself.
import { exitCodes } from './output.ts';
import { createProgram } from './program.ts';
import { explain } from './wrong.ts';

// `fahuo … | head`: a reader that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  throw error;
});

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  const { exitCode, lines } = explain(error, program, process.argv.slice(2));
  for (const line of lines) process.stderr.write(`${line}\n`);
  process.exitCode = exitCode;
}
