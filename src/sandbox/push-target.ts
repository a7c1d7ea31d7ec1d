/** Where an app's pushes go, and what goes wrong on the way. Rates from 0 to 1, times in milliseconds. */
export type PushTarget = {
  appid: string;
  url: string;
  token: string;
  /** The EncodingAESKey; needed unless `mode` is plain. */
  aes_key?: string | undefined;
  mode?: 'secure' | 'plain' | 'compat' | undefined;
  format?: 'json' | 'xml' | undefined;
  /** Of the pushes that are never sent. */
  loss_rate?: number | undefined;
  /** Of those that are sent twice more. */
  repeat_rate?: number | undefined;
  /** Up to how late one comes. */
  delay_ms?: number | undefined;
  /** Between two tries. */
  retry_ms?: number | undefined;
};
