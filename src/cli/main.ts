import { exitCodes } from './output.ts';
import { createProgram } from './program.ts';
import { explain } from './wrong.ts';

// `fahuo … | head`: a reader that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  throw error;
});

const words = process.argv.slice(2);
const program = await createProgram(words);
try {
  await program.parseAsync();
} catch (error) {
  const { exitCode, lines } = explain(error, program, words);
  for (const line of lines) process.stderr.write(`${line}\n`);
  process.exitCode = exitCode;
}
