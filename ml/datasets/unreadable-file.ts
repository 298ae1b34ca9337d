import type { SourceFormat } from "../../domain/definition-schema.ts";

/** What the reader says holds no value of the file, and is told as it stands. */
const itsWords = "";

/** What makes a file unreadable, as DuckDB 1.5 words it; each with the cure that is true of it. */
const causes: { when: RegExp; why?: string; cure: string }[] = [
  {
    when: /is encrypted/,
    why: "it is encrypted",
    cure: "Write the file without Parquet's own encryption, which is not read here, then retry.",
  },
  {
    when: /Unsupported compression codec "\w+"\. Supported options are [\w, ]+/,
    why: itsWords,
    cure: "Write the file with one of the codecs named (zstd, snappy), then retry.",
  },
  {
    when: /Out of Memory/,
    why: "reading it takes more memory than a worker gives to a file",
    cure: "The file may be whole: write it in smaller row groups (some 100,000 rows each), or in several files, then retry.",
  },
  {
    when: /No magic bytes/,
    why: "it does not end as a Parquet file ends: it is another format, or was cut short",
    cure: "Say its format in data.sources, or replace the file by a whole one, then retry.",
  },
  {
    when: /Not implemented|not supported|Unsupported/i,
    cure: "Write the file without what the message names, then retry.",
  },
];

const damaged = "Replace the file by a whole one, then retry.";
const malformed = "Correct the file at the place that the message names, then retry.";

/** Of a file that DuckDB could not read: why, where its words say less than ours, and what to do. */
export function unreadableFile(text: string, format: SourceFormat): { why: string | null; cure: string } {
  const known = causes.find(({ when }) => when.test(text));
  if (known?.why === itsWords) return { why: known.when.exec(text)?.[0] ?? null, cure: known.cure };
  if (known !== undefined) return { why: known.why ?? null, cure: known.cure };
  return { why: null, cure: format === "parquet" ? damaged : malformed };
}
