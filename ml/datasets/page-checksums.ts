import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { type DuckDb, quoteText } from "../duckdb.ts";
import { readPageHeader } from "./page-header.ts";

/** A column of a row group some page of which is not as it was written. */
export interface DamagedColumn {
  column: string;
  rowGroup: number;
}

/** A header holds a page's smallest and largest value: kilobytes, and megabytes in a strange file. */
const headerBytes = { first: 4_096, most: 1 << 22 };
const blockBytes = 1 << 20;

/**
 * The first column that does not have the checksums that its file gives it. DuckDB reads past them: with 1.5.6 flipped bits
 * gave wrong sums without an error. Pages without a checksum are not looked at.
 */
export async function findDamagedColumn(db: DuckDb, path: string): Promise<DamagedColumn | null> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const block = Buffer.allocUnsafe(blockBytes);
    // A row a column and row group: a wide file of many groups has a million, so they are not held.
    const result = await db.connection.stream(
      `SELECT path_in_schema, row_group_id, data_page_offset, dictionary_page_offset, total_compressed_size FROM parquet_metadata(${quoteText(path)})`,
    );
    for await (const rows of result.yieldRowsJson()) {
      for (const [column, rowGroup, data, dictionary, length] of rows) {
        // Writers give 0 for a dictionary that is not there.
        const start = Number(dictionary) > 0 ? Math.min(Number(dictionary), Number(data)) : Number(data);
        const chunk = { start, end: Math.min(start + Number(length), size) };
        if (!(await isSound(file, chunk, block))) return { column: String(column), rowGroup: Number(rowGroup) };
      }
    }
    return null;
  } finally {
    await file.close();
  }
}

/** Pages that do not follow one another are damage where some have checksums; else the reader says what it makes of them. */
async function isSound(file: FileHandle, { start, end }: { start: number; end: number }, block: Buffer): Promise<boolean> {
  let checked = false;
  for (let at = start; at < end;) {
    const header = await headerAt(file, at, end);
    if (header === null || at + header.length + header.size > end) return !checked;
    const body = at + header.length;
    at = body + header.size;
    if (header.crc === null) continue;
    checked = true;
    if ((await checksumOf(file, { start: body, end: at }, block)) !== header.crc) return false;
  }
  return true;
}

async function headerAt(file: FileHandle, at: number, end: number) {
  for (let length = headerBytes.first; ; length *= 8) {
    const wanted = Math.min(length, end - at);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    const header = readPageHeader(buffer.subarray(0, bytesRead));
    if (header !== "short") return header;
    if (wanted < length || length >= headerBytes.most) return null;
  }
}

async function checksumOf(file: FileHandle, { start, end }: { start: number; end: number }, block: Buffer): Promise<number> {
  let sum = 0;
  for (let at = start; at < end;) {
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, end - at), at);
    if (bytesRead === 0) break;
    sum = crc32(block.subarray(0, bytesRead), sum);
    at += bytesRead;
  }
  return sum;
}
