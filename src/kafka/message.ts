/** What we put on a topic. Strings are UTF-8. */
export type Message = {
  key: string | Buffer | null;
  value: string | Buffer | null;
  headers: Readonly<Record<string, string>>;
};

/** What we take from a topic, bytes as they were. */
export type Received = {
  topic: string;
  partition: number;
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Readonly<Record<string, Buffer>>;
  /** Unix milliseconds by the producer's clock, or the broker's where the topic says so. */
  timestampMs?: number;
};
