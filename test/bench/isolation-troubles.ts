import type { Pool } from '../../db/client.ts';
import { deletePauses } from '../../src/apps/pause-store.ts';
import { sleep } from '../../src/clock.ts';
import { appid } from '../support/events.ts';
import { tellSandbox } from '../support/sandbox-client.ts';

export type Place = {
  pool: Pool;
  /** The sandbox. */
  url: string;
  /** Rows of an app as the consumer leaves them. */
  insert: (app: string, names: readonly string[]) => Promise<void>;
  /** Of a round that goes as it should. */
  roundMs: number;
};

/** What stands beside the payments that are measured. Its payments are called `bad…`. */
export type Trouble = {
  /** For the report: what the other payments stand beside. */
  of: string;
  apps: readonly string[];
  /** Begins for one round; the answer ends it. */
  begin: (place: Place, round: number) => Promise<() => Promise<void>>;
};

/** One payment that WeChat never knows, and one whose calls hang. */
const payments: Trouble = {
  of: 'the two',
  apps: [appid],
  begin: async ({ url, insert }, round) => {
    const [unknown, hanging] = [`bad${round}unknown`, `bad${round}hanging`];
    await tellSandbox(url, 'payments', { transaction_id: unknown, visible_after_ms: 3_600_000 });
    await tellSandbox(url, 'faults', [{ kind: 'hang', transaction_id: hanging, committed: false }]);
    await insert(appid, [unknown, hanging]);
    await sleep(300);
    return () => Promise.resolve();
  },
};

const other = 'wx-other-app';
const backlog = 40;
const resumeEveryMs = 250;

/**
 * Another app: WeChat answers it 48001 for half of the round; then its secret has expired, and its tokens die. Somebody
 * resumes it four times a second all the while, so that it keeps coming back with its whole backlog.
 */
const app: Trouble = {
  of: 'the other app',
  apps: [appid, other],
  begin: async ({ pool, url, insert, roundMs }, round) => {
    const names = Array.from({ length: backlog }, (_, index) => `bad${round}n${index}`);
    const faultsOf = (fault: object): object[] => names.map((name) => ({ ...fault, transaction_id: name }));
    const secret = (text: string): Promise<unknown> =>
      tellSandbox(url, 'apps', [
        { appid, secret: 's' },
        { appid: other, secret: text },
      ]);
    await tellSandbox(url, 'faults', faultsOf({ kind: 'errcode', errcode: 48001 }));
    await insert(other, names);
    const ended = new AbortController();
    const half = (async () => {
      await sleep(roundMs / 2, ended.signal);
      await secret('another');
      await tellSandbox(url, 'faults', faultsOf({ kind: 'expire_token' }));
    })();
    const resumes = (async () => {
      while (!ended.signal.aborted) {
        await deletePauses(pool, other);
        await sleep(resumeEveryMs, ended.signal);
      }
    })();
    return async () => {
      ended.abort();
      await Promise.all([half, resumes]);
      await secret('s');
      await tellSandbox(url, 'faults', []);
    };
  },
};

export const troubles: Readonly<Record<string, Trouble>> = { payments, app };
