/** Zstandard packs best of what Parquet readers know; one writer thread and a total order make equal bytes of equal rows. */
export const parquet = "(FORMAT parquet, COMPRESSION zstd)";

/**
 * What DuckDB does not keep within this it spills. With what it keeps beside it while it sorts and writes (as much
 * again at 80 million rows), Node and what else a worker holds, under 1.5 GB.
 */
export const memoryMb = 512;
