import { registerHooks } from 'node:module';

/** Preloaded into a process under mutation: replaces one text of one source file, and refuses to run without it. */
const { file, from, to } = JSON.parse(process.env['RELAY_TEST_PATCH'] ?? '{}') as Record<
  'file' | 'from' | 'to',
  string
>;

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (!url.endsWith(file)) return loaded;
    const source = new TextDecoder().decode(loaded.source as Uint8Array);
    if (!source.includes(from)) throw new Error(`${file} has no ${from}`);
    return { ...loaded, source: source.replace(from, to) };
  },
});
