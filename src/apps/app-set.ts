import type { TokenOrigin } from '../wechat/token-origin.ts';

/** One app as it is configured. */
export type App = {
  readonly appid: string;
  /** Where its calls have their token from. */
  readonly token: TokenOrigin;
  /** Unset asks WeChat. */
  readonly maxCallsPerSecond?: number | undefined;
  /** What a later part of a split shipment carries: all parcels so far, or the new ones alone. */
  readonly parcelLists: 'cumulative' | 'delta';
  /** Who says that a buyer has the goods; as FAHUO_RECEIPT has it where the app does not say. */
  readonly receipt?: 'asked' | 'trace' | undefined;
  /** Of its message push; absent where it receives none. */
  readonly push?: PushSecrets | undefined;
};

/** As WeChat's console has them; the previous ones while they are changed over. */
export type PushSecrets = {
  readonly token: string;
  readonly aesKey?: string | undefined;
  readonly previousToken?: string | undefined;
  readonly previousAesKey?: string | undefined;
  /** Of the third-party platform that receives the app's pushes: they are encrypted for it, and not for the app. */
  readonly componentAppid?: string | undefined;
};

/** The AppSecret; undefined where its tokens come from elsewhere. */
export const appSecretOf = (app: App | undefined): string | undefined =>
  app !== undefined && 'secret' in app.token ? app.token.secret : undefined;

/** What a new list of apps changed, by appid. */
export type AppChanges = {
  added: string[];
  retired: string[];
  changed: string[];
  /** Those of `changed` whose token comes from elsewhere now, or by another secret. */
  tokens: string[];
};

export type AppWork = (app: App, stop: AbortSignal) => Promise<void>;

/** The apps that this process serves now. An app that did not change stays the same object. */
export type AppSet = {
  all: () => readonly App[];
  appids: () => readonly string[];
  /** The app as it is, or as it was when it retired: what is in flight ends with the token that it began with. */
  of: (appid: string) => App | undefined;
  /** Takes a new list in place of the present one. */
  replace: (next: readonly App[]) => AppChanges;
  /**
   * Does `work` for every app, for those that come as well; `stop` aborts when its app retires or `signal` aborts. Where
   * `keyOf` is given, an app whose key changes is done anew. The work of an app ends before it begins again. Resolves
   * when `signal` has aborted and all work has ended; rejects when a work does, and then no other begins.
   */
  each: (work: AppWork, signal: AbortSignal, keyOf?: (app: App) => string) => Promise<void>;
};

type Listener = () => void;

export function createAppSet(first: readonly App[]): AppSet {
  let apps: ReadonlyMap<string, App> = byAppid(first);
  const ever = new Map(apps);
  const listeners = new Set<Listener>();
  const all = (): readonly App[] => [...apps.values()];
  return {
    all,
    appids: () => [...apps.keys()],
    of: (appid) => ever.get(appid),
    replace: (given) => {
      const before = apps;
      apps = byAppid(given.map((app) => kept(before.get(app.appid), app)));
      for (const app of apps.values()) ever.set(app.appid, app);
      for (const listener of listeners) listener();
      return changesBetween(before, apps);
    },
    each: (work, signal, keyOf = ({ appid }) => appid) =>
      new Promise((resolve, reject) => {
        const end = (): void => {
          listeners.delete(follow);
          void works.stop().then(resolve, reject);
        };
        const works = new AppWorks(work, keyOf, end);
        const follow = (): void => works.follow(all());
        if (signal.aborted) return resolve();
        listeners.add(follow);
        signal.addEventListener('abort', end, { once: true });
        follow();
      }),
  };
}

/** What is done for each app now. */
class AppWorks {
  readonly #work: AppWork;
  readonly #keyOf: (app: App) => string;
  readonly #onFailure: () => void;
  readonly #running = new Map<string, { key: string; stop: AbortController; ended: Promise<void> }>();
  /** Of apps that retired, until their work has ended; and of apps that came back meanwhile. */
  readonly #ending = new Map<string, Promise<void>>();
  #stopped = false;
  #failure: { error: unknown } | undefined;

  constructor(work: AppWork, keyOf: (app: App) => string, onFailure: () => void) {
    this.#work = work;
    this.#keyOf = keyOf;
    this.#onFailure = onFailure;
  }

  follow(apps: readonly App[]): void {
    if (this.#stopped) return;
    const wanted = new Map(apps.map((app) => [app.appid, app]));
    for (const [appid, { key }] of this.#running) {
      const app = wanted.get(appid);
      if (app === undefined || this.#keyOf(app) !== key) this.#end(appid);
    }
    for (const app of apps) if (!this.#running.has(app.appid)) this.#begin(app);
  }

  /** Rejects when the work of an app failed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const appid of [...this.#running.keys()]) this.#end(appid);
    await Promise.all(this.#ending.values());
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** After the work of an earlier time has ended. */
  #begin(app: App): void {
    const stop = new AbortController();
    const before = this.#ending.get(app.appid);
    const work = async (): Promise<void> => {
      if (before !== undefined) await before;
      if (!stop.signal.aborted) await this.#work(app, stop.signal);
    };
    const ended = work().catch((error: unknown) => {
      this.#failure ??= { error };
      this.#onFailure();
    });
    this.#running.set(app.appid, { key: this.#keyOf(app), stop, ended });
  }

  #end(appid: string): void {
    const running = this.#running.get(appid);
    if (running === undefined) return;
    this.#running.delete(appid);
    const ended = running.ended.then(() => {
      if (this.#ending.get(appid) === ended) this.#ending.delete(appid);
    });
    this.#ending.set(appid, ended);
    running.stop.abort();
  }
}

const byAppid = (apps: readonly App[]): ReadonlyMap<string, App> =>
  new Map(apps.map((app) => [app.appid, app]));

/** The app as it was where nothing changed, and its token's origin where that did not: who holds one sees no change. */
function kept(before: App | undefined, app: App): App {
  if (before === undefined) return app;
  if (isSame(before, app)) return before;
  return isSame(before.token, app.token) ? { ...app, token: before.token } : app;
}

const isSame = (left: object, right: object): boolean => JSON.stringify(left) === JSON.stringify(right);

function changesBetween(before: ReadonlyMap<string, App>, after: ReadonlyMap<string, App>): AppChanges {
  const changed = [...after.values()].filter((app) => {
    const old = before.get(app.appid);
    return old !== undefined && old !== app;
  });
  return {
    added: [...after.keys()].filter((appid) => !before.has(appid)),
    retired: [...before.keys()].filter((appid) => !after.has(appid)),
    changed: changed.map(({ appid }) => appid),
    tokens: changed.filter((app) => before.get(app.appid)?.token !== app.token).map(({ appid }) => appid),
  };
}
