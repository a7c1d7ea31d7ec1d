import { describe, expect, it, vi } from 'vitest';
import { createProgram, readsEnvFile } from '../../../src/cli/program.ts';
import { explain, type Explained } from '../../../src/cli/wrong.ts';
import { FahuoError } from '../../../src/errors.ts';

const program = await createProgram();

/** What a command line that ends before its work says. */
async function wrong(...words: string[]): Promise<Explained> {
  const needed = await createProgram(words);
  try {
    await needed.parseAsync(words, { from: 'user' });
  } catch (error) {
    return explain(error, needed, words);
  }
  throw new TypeError('nothing was wrong');
}

describe('a wrong word', () => {
  it.each([
    [['statsu'], ["fahuo: unknown command 'statsu'", 'Did you mean status?', '`fahuo --help` says']],
    [
      ['status', '--jsn'],
      ["fahuo: unknown option '--jsn'", 'Did you mean --json?', '`fahuo status --help` says'],
    ],
    [
      ['dead-letters', 'lits'],
      ["fahuo: unknown command 'lits'", 'Did you mean list?', '`fahuo dead-letters --help` says'],
    ],
    [
      ['run', '--roles', 'relay,uplaod'],
      ['fahuo: --roles: uplaod is not', 'Did you mean upload?', '`fahuo run --help` says'],
    ],
    [['show'], ["fahuo: missing required argument 'payment'", '`fahuo show --help` says']],
    [
      ['completion', 'csh'],
      ['fahuo: command-argument value', '`fahuo completion --help` says'],
    ],
    [
      ['sandbox', '--port', 'x'],
      ['fahuo: --port x must be', '`fahuo sandbox --help` says'],
    ],
    [
      ['demo', '--orders', 'many'],
      ['fahuo: --orders many must be', '`fahuo demo --help` says'],
    ],
    [['replay'], ['fahuo: give exactly one of', '`fahuo replay --help` says']],
  ])('is answered in three lines at most: %j', async (words, starts) => {
    const { exitCode, lines } = await wrong(...words);
    expect(exitCode).toBe(2);
    expect(lines).toHaveLength(starts.length);
    for (const [index, start] of starts.entries()) expect(lines[index]).toContain(start);
  });

  it('is not what a failure is: that has its code and its remedy', () => {
    const error = new FahuoError('TOPIC_MISSING', 'the topic t does not exist');
    expect(explain(error, program, [])).toEqual({
      exitCode: 1,
      lines: ['fahuo: the topic t does not exist (TOPIC_MISSING)', error.remedy],
    });
    expect(() => explain(new TypeError('a bug'), program, [])).toThrow('a bug');
  });
});

describe('the program', () => {
  it('says its version', async () => {
    let said = '';
    const writing = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
    expect(await wrong('--version')).toEqual({ exitCode: 0, lines: [] });
    writing.mockRestore();
    expect(said).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('loads one command where the words name it, by the name that it adds, and all of them otherwise', async () => {
    for (const name of program.commands.map((command) => command.name())) {
      const alone = await createProgram(['--env-file', '/dev/null', name]);
      expect(alone.commands.map((command) => command.name())).toContain(name);
      if (name !== 'completion') expect(alone.commands.length).toBeLessThan(3);
    }
    for (const words of [[], ['--help'], ['statsu'], ['help', 'run'], ['--env-file=run']])
      expect((await createProgram(words)).commands).toHaveLength(program.commands.length);
  });

  it('leads neither the demo nor the sandbox to what a .env names', async () => {
    const commands = (await createProgram()).commands.filter((command) => !readsEnvFile(command));
    expect(commands.map((command) => command.name())).toEqual([
      'init',
      'sandbox',
      'parts',
      'demo',
      'completion',
    ]);
  });
});

describe('every command', () => {
  const all = program.commands.flatMap((command) =>
    command.commands.length > 0 ? [...command.commands] : [command],
  );

  it.each(all.map((command) => [command.name(), command] as const))(
    'has an example in its help: %s',
    (_name, command) => {
      let help = '';
      const writing = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
        help += String(text);
        return true;
      });
      command.outputHelp();
      writing.mockRestore();
      expect(help).toMatch(/Examples?:\n {2}\$ /);
    },
  );

  it('but completion answers in JSON when asked to', () => {
    const without = all.filter((command) => command.options.every(({ long }) => long !== '--json'));
    expect(without.map((command) => command.name())).toEqual(['completion']);
  });
});
