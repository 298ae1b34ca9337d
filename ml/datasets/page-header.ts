/** What stands before a page of a Parquet file, as far as checking its bytes needs it. */
interface PageHeader {
  /** Bytes of the header itself, and of the page after it. */
  length: number;
  size: number;
  /** CRC-32 of the page's bytes as they stand in the file; null where the writer left it out. */
  crc: number | null;
}

/** Types of Thrift's compact protocol, and the fields of Parquet's PageHeader that are read. */
const types = { stop: 0, true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8, list: 9, set: 10, struct: 12 };
const fields = { compressedSize: 3, crc: 4 };
const deepest = 8;

class Short extends Error {}
class Malformed extends Error {}

/**
 * The header at the beginning of `bytes`; "short" where they end too early, null where they are none. Own code since the bytes may be
 * anybody's: each step takes a byte, so it ends, whatever they say of their own length.
 */
export function readPageHeader(bytes: Buffer): PageHeader | "short" | null {
  const from = { bytes, at: 0 };
  const found = new Map<number, number>();
  try {
    readStruct(from, { depth: 0, keep: (field, value) => found.set(field, value) });
  } catch (error) {
    if (error instanceof Short) return "short";
    if (error instanceof Malformed) return null;
    throw error;
  }
  const size = found.get(fields.compressedSize);
  if (size === undefined || size < 0) return null;
  const crc = found.get(fields.crc);
  return { length: from.at, size, crc: crc === undefined ? null : crc >>> 0 };
}

interface Source {
  bytes: Buffer;
  at: number;
}

function readByte(from: Source): number {
  const byte = from.bytes[from.at];
  if (byte === undefined) throw new Short();
  from.at += 1;
  return byte;
}

function skipBytes(from: Source, count: number): void {
  if (count > from.bytes.length - from.at) throw new Short();
  from.at += count;
}

/** Of a varint the low 32 bits: nothing longer is of use here. */
function readVarint(from: Source): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = readByte(from);
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
  throw new Malformed();
}

function zigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

function readStruct(from: Source, { depth, keep }: { depth: number; keep?(field: number, value: number): void }): void {
  if (depth > deepest) throw new Malformed();
  for (let field = 0; ;) {
    const head = readByte(from);
    const type = head & 0x0f;
    if (type === types.stop) return;
    field = head >> 4 === 0 ? zigzag(readVarint(from)) : field + (head >> 4);
    if (type === types.i32) {
      const value = zigzag(readVarint(from));
      keep?.(field, value);
    } else if (type !== types.true && type !== types.false) skipValue(from, type, depth);
  }
}

function skipValue(from: Source, type: number, depth: number): void {
  switch (type) {
    // In a list a boolean has a byte of its own; in a struct its type says it.
    case types.true:
    case types.false:
    case types.byte:
      return skipBytes(from, 1);
    case types.i16:
    case types.i32:
    case types.i64:
      readVarint(from);
      return;
    case types.double:
      return skipBytes(from, 8);
    case types.binary:
      return skipBytes(from, readVarint(from));
    case types.list:
    case types.set: {
      if (depth > deepest) throw new Malformed();
      const head = readByte(from);
      const count = head >> 4 === 15 ? readVarint(from) : head >> 4;
      for (let at = 0; at < count; at += 1) skipValue(from, head & 0x0f, depth + 1);
      return;
    }
    case types.struct:
      return readStruct(from, { depth: depth + 1 });
    default:
      throw new Malformed();
  }
}
