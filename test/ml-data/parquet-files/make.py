"""Makes the Parquet files beside it: `python make.py`, with pyarrow 26.0.1."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

here = Path(__file__).parent
rows = pa.table({"n": [(n * 7919) % 1000 for n in range(600)], "word": [f"w{n % 13}" for n in range(600)]})
for version in ("1.0", "2.0"):
    pq.write_table(
        rows,
        here / f"checksums-{version}.parquet",
        row_group_size=300,
        compression="snappy",
        data_page_version=version,
        use_dictionary=["word"],
        write_page_checksum=True,
    )

# Nanoseconds of a day and a Julian day number: years that 64 bits of nanoseconds since 1970 do not reach.
times = pa.table({"at": pa.array([dt.datetime(2013, 1, 31, 6), dt.datetime(2500, 1, 1), dt.datetime(1600, 1, 1)], pa.timestamp("us"))})
pq.write_table(times, here / "int96.parquet", use_deprecated_int96_timestamps=True)
