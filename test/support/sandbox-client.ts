export type Stats = {
  effects: { ship: number; add: number; reship: number };
  requests: Record<string, Record<string, number>>;
  faults: Record<string, number>;
  token_fetches: Record<string, number>;
  busiest_second: number;
};

export const statsOf = async (url: string): Promise<Stats> =>
  (await (await fetch(`${url}/_sandbox/stats`)).json()) as Stats;

export type EffectLine = {
  payment: string;
  kind: string;
  atMs: number;
  uploadTimeMs: number;
  bodyHash: string;
  byHand: boolean;
};

/** The same with the request that made it. */
export type WholeEffect = EffectLine & { body: string };

/** One upload as it stood on the wire: see src/sandbox/seen.ts. */
export type RequestLine = {
  endpoint?: string;
  payment: string;
  key: string;
  uploadTime: string;
  startedAtMs: number;
  endedAtMs: number | null;
  answer: string | null;
};

/** What WeChat holds of one payment, as the sandbox has it. */
export type HeldLine = {
  key: string;
  transactionId: string;
  orderState: number;
  reship_spent: boolean;
  shipping: {
    deliveryMode: number;
    logisticsType: number;
    finished: boolean;
    parcels: { trackingNo: string; company: string; itemDesc: string }[];
  } | null;
};

async function linesOf<T>(url: string): Promise<T[]> {
  const text = await (await fetch(url)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export const effectsOf = (url: string): Promise<EffectLine[]> => linesOf(`${url}/_sandbox/effects`);
export const wholeEffectsOf = (url: string): Promise<WholeEffect[]> =>
  linesOf(`${url}/_sandbox/effects?bodies=true`);
export const requestsOf = (url: string): Promise<RequestLine[]> => linesOf(`${url}/_sandbox/requests`);

export const heldBy = (url: string): Promise<HeldLine[]> => linesOf(`${url}/_sandbox/payments`);

export async function tellSandbox(url: string, path: string, body: unknown): Promise<unknown> {
  const answer = await fetch(`${url}/_sandbox/${path}`, { method: 'POST', body: JSON.stringify(body) });
  return answer.json();
}
