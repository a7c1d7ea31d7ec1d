/**
 * Reads Kafka's record format. What leads outside of the bytes reads as nothing and is remembered in `failed`, so that a
 * record is checked once and not at every field.
 */
export class BytesReader {
  failed = false;
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Zigzag, seven bits a byte. Exact up to 2^53: what is longer is a time that no clock has. */
  varint(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined || shift > maxShift) {
        this.failed = true;
        return 0;
      }
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  /** After its length; null where that is -1. */
  bytes(): Buffer | null {
    const start = this.#skip();
    return start === null ? null : this.#bytes.subarray(start, this.at);
  }

  /** The same as UTF-8. */
  text(): string | null {
    const start = this.#skip();
    return start === null ? null : this.#bytes.toString('utf8', start, this.at);
  }

  /** Where they begin; `at` is where they end. */
  #skip(): number | null {
    const length = this.varint();
    if (length === -1) return null;
    const start = this.at;
    if (length < 0 || start + length > this.#bytes.length) {
      this.failed = true;
      return null;
    }
    this.at = start + length;
    return start;
  }
}

/** Ten bytes hold 64 bits. */
const maxShift = 128 ** 9;
