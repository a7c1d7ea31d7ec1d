/** A row of texts, in the order of the query's columns. */
export type Row = Readonly<Record<string, string | null>>;

/** A database that was made for the demo on a server, and one session in it, as the shop's own code has one. */
export type ShopDatabase = {
  url: string;
  run: (statement: string) => Promise<void>;
  rows: (query: string) => Promise<Row[]>;
  /** Everything that stands in it, a line each, its kind first: what `undo` must bring back. */
  shape: () => Promise<string[]>;
  drop: () => Promise<void>;
};

export type MakeDatabase = { server: string; name: string };

/** The same server, another database. */
export const urlOf = ({ server, name }: MakeDatabase): string =>
  Object.assign(new URL(server), { pathname: `/${name}` }).toString();
