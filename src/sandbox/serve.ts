import { systemClock } from '../clock.ts';
import { createSandbox, type SandboxOptions } from './run.ts';

/** A sandbox in a process of its own, for benchmarks and campaigns: `node serve.ts '{"port":1234}'`. */
const options = JSON.parse(process.argv[2] ?? '{}') as SandboxOptions;
const sandbox = await createSandbox(options, systemClock);
process.stdout.write(`${JSON.stringify({ url: sandbox.url })}\n`);
process.once('SIGTERM', () => void sandbox.stop());
