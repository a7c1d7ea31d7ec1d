export type Address = { host: string; port: number };

export const metadataKey = 3;

/** Cuts a stream into Kafka's frames; each begins with its length. */
export class Frames {
  private chunks: Buffer[] = [];
  private held = 0;
  private readonly onFrame: (frame: Buffer) => void;

  constructor(onFrame: (frame: Buffer) => void) {
    this.onFrame = onFrame;
  }

  push(data: Buffer): void {
    this.chunks.push(data);
    this.held += data.length;
    for (let length = this.nextLength(); length !== null; length = this.nextLength()) {
      const all = Buffer.concat(this.chunks);
      this.chunks = [all.subarray(length)];
      this.held = all.length - length;
      this.onFrame(all.subarray(0, length));
    }
  }

  /** Of the whole frame; null until all of it is here. */
  private nextLength(): number | null {
    if (this.held < 4) return null;
    if (this.chunks[0]!.length < 4) this.chunks = [Buffer.concat(this.chunks)];
    const length = 4 + this.chunks[0]!.readInt32BE(0);
    return this.held >= length ? length : null;
  }
}

/** Reads the fields of an answer one after the other, in the old encoding or the compact one. */
class Reader {
  at: number;
  private readonly frame: Buffer;
  private readonly compact: boolean;

  constructor(frame: Buffer, at: number, compact: boolean) {
    this.frame = frame;
    this.at = at;
    this.compact = compact;
  }

  int32(): number {
    this.at += 4;
    return this.frame.readInt32BE(this.at - 4);
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.frame[this.at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  count(): number {
    return this.compact ? this.varint() - 1 : this.int32();
  }

  /** Null for a string that is not there. */
  string(): string | null {
    const length = this.compact ? this.varint() - 1 : this.frame.readInt16BE((this.at += 2) - 2);
    if (length < 0) return null;
    this.at += length;
    return this.frame.toString('utf8', this.at - length, this.at);
  }

  tags(): void {
    if (!this.compact) return;
    for (let left = this.varint(); left > 0; left--) {
      this.varint();
      this.at += this.varint();
    }
  }
}

/** The Metadata answer with every broker's address replaced: what stands behind the brokers stays byte for byte. */
export async function rewriteBrokers(
  frame: Buffer,
  version: number,
  standIn: (address: Address) => Promise<Address>,
): Promise<Buffer> {
  const compact = version >= 9;
  const reader = new Reader(frame, 8, compact);
  reader.tags(); // of the answer's header
  if (version >= 3) reader.int32(); // throttle time
  const count = reader.count();
  const pieces: Buffer[] = [];
  let from = 4;
  for (let broker = 0; broker < count; broker++) {
    reader.int32(); // node id
    const hostAt = reader.at;
    const host = reader.string() ?? '';
    const { host: newHost, port } = await standIn({ host, port: reader.int32() });
    pieces.push(frame.subarray(from, hostAt), addressBytes(newHost, port, compact));
    from = reader.at;
    if (version >= 1) reader.string(); // rack
    reader.tags();
  }
  const body = Buffer.concat([...pieces, frame.subarray(from)]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function addressBytes(host: string, port: number, compact: boolean): Buffer {
  const text = Buffer.from(host);
  const length = Buffer.alloc(compact ? 1 : 2);
  if (compact) length.writeUInt8(text.length + 1);
  else length.writeInt16BE(text.length);
  const number = Buffer.alloc(4);
  number.writeInt32BE(port);
  return Buffer.concat([length, text, number]);
}
