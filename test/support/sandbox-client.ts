export type Stats = {
  effects: { ship: number; add: number; reship: number };
  requests: Record<string, Record<string, number>>;
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
};

export async function effectsOf(url: string): Promise<EffectLine[]> {
  const text = await (await fetch(`${url}/_sandbox/effects`)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EffectLine);
}

export async function tellSandbox(url: string, path: string, body: unknown): Promise<unknown> {
  const answer = await fetch(`${url}/_sandbox/${path}`, { method: 'POST', body: JSON.stringify(body) });
  return answer.json();
}
