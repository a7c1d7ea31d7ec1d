import type { DeliveryListResult } from './client.ts';

type Carriers = ReadonlyMap<string, string>;

export type CarrierListDeps = {
  fetch: (signal?: AbortSignal) => Promise<DeliveryListResult>;
  readLastGood: () => Promise<Carriers | null>;
  keepLastGood: (carriers: Carriers) => Promise<void>;
  bundled: Carriers;
};

/** The carriers that an upload may name. Ids are opaque: exact, case-sensitive comparison (wechat.md §5). */
export type CarrierList = {
  has: (id: string) => boolean;
  nameOf: (id: string) => string | undefined;
  all: () => Carriers;
  /** Takes the copy kept by an earlier run, if there is one. */
  load: () => Promise<void>;
  /** Asks WeChat. Anything but a full answer keeps the list as it is. */
  refresh: (
    signal?: AbortSignal,
  ) => Promise<{ kind: 'refreshed'; count: number } | Extract<DeliveryListResult, { kind: 'failed' }>>;
};

/** Starts with the bundled list; a refresh that fails never makes it smaller. */
export function createCarrierList(deps: CarrierListDeps): CarrierList {
  let carriers = deps.bundled;
  return {
    has: (id) => carriers.has(id),
    nameOf: (id) => carriers.get(id),
    all: () => carriers,
    load: async () => {
      carriers = (await deps.readLastGood()) ?? carriers;
    },
    refresh: async (signal) => {
      const result = await deps.fetch(signal);
      if (result.kind === 'failed') return result;
      carriers = result.carriers;
      await deps.keepLastGood(result.carriers);
      return { kind: 'refreshed', count: result.carriers.size };
    },
  };
}
