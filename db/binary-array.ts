/**
 * One-dimensional arrays as Postgres reads them in binary: dimensions, a flag for nulls, the element's type, a length and
 * a lower bound, then each element with its length (-1: null). A batch of rows that travels like this is neither
 * quoted here nor parsed there. Use it with a cast, `$1::text[]`, so that the server knows the type.
 */
const headerBytes = 20;
const oids = { bytea: 17, text: 25, int4: 23, int8: 20 } as const;

export function textArray(values: readonly (string | null)[]): Buffer {
  const sizes = values.map((value) => (value === null ? 0 : Buffer.byteLength(value)));
  const array = begin(values, 'text', sizes);
  let at = headerBytes;
  values.forEach((value, index) => {
    at = array.writeInt32BE(value === null ? -1 : (sizes[index] ?? 0), at);
    if (value !== null) at += array.write(value, at);
  });
  return array;
}

/** Bytes as they are: as text they would be hexadecimal, twice as long, and quoted. */
export function byteaArray(values: readonly (Buffer | null)[]): Buffer {
  const array = begin(
    values,
    'bytea',
    values.map((value) => value?.length ?? 0),
  );
  let at = headerBytes;
  for (const value of values) {
    at = array.writeInt32BE(value?.length ?? -1, at);
    if (value !== null) at += value.copy(array, at);
  }
  return array;
}

export const int4Array = (values: readonly number[]): Buffer =>
  numberArray(values, 'int4', 4, (array, value, at) => array.writeInt32BE(value, at));

export const int8Array = (values: readonly number[]): Buffer =>
  numberArray(values, 'int8', 8, (array, value, at) => array.writeBigInt64BE(BigInt(value), at));

function numberArray(
  values: readonly number[],
  element: 'int4' | 'int8',
  bytes: number,
  write: (array: Buffer, value: number, at: number) => void,
): Buffer {
  const array = begin(
    values,
    element,
    values.map(() => bytes),
  );
  values.forEach((value, index) => {
    write(array, value, array.writeInt32BE(bytes, headerBytes + index * (4 + bytes)));
  });
  return array;
}

function begin(
  values: readonly unknown[],
  element: keyof typeof oids,
  sizes: readonly number[],
): Buffer<ArrayBuffer> {
  const bytes = sizes.reduce((sum, size) => sum + 4 + size, headerBytes);
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(values.includes(null) ? 1 : 0, 4);
  array.writeInt32BE(oids[element], 8);
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16);
  return array;
}
