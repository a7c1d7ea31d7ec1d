import { registerHooks } from 'node:module';

type Patch = { file: string; from: string; to: string };

/** Preloaded into a process under mutation: replaces texts of source files, one a patch, and refuses to run without them. */
const patches = [JSON.parse(process.env['RELAY_TEST_PATCH'] ?? '[]') as Patch | Patch[]].flat();

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    const own = patches.filter(({ file }) => url.endsWith(file));
    if (own.length === 0) return loaded;
    let source = new TextDecoder().decode(loaded.source as Uint8Array);
    for (const { file, from, to } of own) {
      if (!source.includes(from)) throw new Error(`${file} has no ${from}`);
      source = source.replace(from, to);
    }
    return { ...loaded, source };
  },
});
