/** A name may stand several times, and a value may be Kafka's null. */
export type RecordHeader = { name: string; value: Buffer | null };

/** What we put on a topic. Strings are UTF-8; headers go out in their order. */
export type Message = {
  key: string | Buffer | null;
  value: string | Buffer | null;
  headers: Readonly<Record<string, string>> | readonly RecordHeader[];
};

/** What we take from a topic, bytes as they were. */
export type Received = {
  topic: string;
  partition: number;
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  /** The last of each name; one whose value is null is not there. */
  headers: Readonly<Record<string, Buffer>>;
  /** All of them as they came, where `headers` does not say it. */
  rawHeaders?: readonly RecordHeader[];
  /** Unix milliseconds by the producer's clock, or the broker's where the topic says so. */
  timestampMs?: number;
  /** Why this cannot be an event, known before its value is looked at. */
  unreadable?: string;
};
