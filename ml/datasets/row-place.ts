import type { SourceManifest } from "../../domain/stage-results.ts";

/** Where a row stands: its file, and its number there, of its data rows from 1. */
export function placeOfRow({ files }: Pick<SourceManifest, "files">, rowId: number): { file: string; row: number } {
  let first = 0;
  for (const { name, rows } of files) {
    if (rowId < first + rows) return { file: name, row: rowId - first + 1 };
    first += rows;
  }
  return { file: "", row: rowId - first + 1 };
}
