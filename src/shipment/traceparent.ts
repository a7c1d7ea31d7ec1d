const w3c =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[0-9A-Za-z._-]{0,72})?$/;

/** A `traceparent` of the W3C's form; what is none is ignored, as that standard says, and never decides about shipping. */
export const isTraceparent = (value: unknown): boolean => typeof value === 'string' && w3c.test(value);
