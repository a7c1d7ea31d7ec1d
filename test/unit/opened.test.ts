import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { openAll, whileOpen, type Opened } from '../../src/opened.ts';

const log = createLog({ level: 'silent' });

/** Opens `names` and writes down what is closed, in the order in which it happens. */
const opening = (names: readonly string[], closed: string[]) => (opened: Opened) => {
  for (const name of names) opened.add(name, name, (it) => closed.push(it));
};

describe('what was opened', () => {
  it('is closed in the reverse order, by whoever was given it', async () => {
    const closed: string[] = [];
    const given = await openAll(log, (opened) => {
      opening(['pool', 'admin'], closed)(opened);
      return Promise.resolve({ url: 'here' });
    });
    expect(given.url).toBe('here');
    expect(closed).toEqual([]);
    await given.close();
    await given.close();
    expect(closed).toEqual(['admin', 'pool']);
  });

  it('is closed at once when opening fails, and the failure goes on', async () => {
    const closed: string[] = [];
    const failing = openAll(log, (opened): Promise<object> => {
      opening(['pool', 'admin'], closed)(opened);
      throw new TypeError('no third');
    });
    await expect(failing).rejects.toThrow('no third');
    expect(closed).toEqual(['admin', 'pool']);
  });

  it('is closed when the work ends, one that cannot be closed along with the others', async () => {
    const closed: string[] = [];
    const work = whileOpen(log, (opened) => {
      opening(['pool'], closed)(opened);
      opened.add('stuck', null, () => Promise.reject(new TypeError('stuck')));
      return Promise.resolve('done');
    });
    expect(await work).toBe('done');
    expect(closed).toEqual(['pool']);
  });
});
