"""nginx JSON lines to one Parquet file by DuckDB or chdb, on all cores: plain columns, no filter, nothing synced.

Usage: store_write.py duckdb|chdb PATTERN OUT
"""

import sys

COLUMNS = (
    "time_local msec remote_addr host request_method request_uri server_protocol status request_length bytes_sent "
    "request_time upstream_addr upstream_response_time request_id http_x_amzn_trace_id http_user_agent"
).split()
NUMBERS = {"msec": "DOUBLE", "status": "INTEGER", "request_length": "BIGINT", "bytes_sent": "BIGINT",
           "request_time": "DOUBLE"}


def duckdb_write(pattern, out):
    import duckdb

    columns = ", ".join(f"'{name}': '{NUMBERS.get(name, 'VARCHAR')}'" for name in COLUMNS)
    source = f"read_json('{pattern}', format='newline_delimited', ignore_errors=true, columns={{{columns}}})"
    connection = duckdb.connect()
    connection.execute(f"COPY (SELECT * FROM {source}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")
    return connection.execute(f"SELECT count(*) FROM '{out}'").fetchone()[0]


def chdb_write(pattern, out):
    import chdb

    kinds = {"DOUBLE": "Float64", "INTEGER": "UInt16", "BIGINT": "UInt64"}
    columns = ", ".join(f"{name} {kinds.get(NUMBERS.get(name), 'String')}" for name in COLUMNS)
    settings = "input_format_allow_errors_ratio = 0.01, output_format_parquet_compression_method = 'zstd'"
    chdb.query(
        f"SELECT * FROM file('{pattern}', 'JSONEachRow', '{columns}') INTO OUTFILE '{out}' TRUNCATE FORMAT Parquet "
        f"SETTINGS {settings}"
    )
    return int(str(chdb.query(f"SELECT count() FROM file('{out}', 'Parquet')", "TSV")))


def main(engine, pattern, out):
    lines = {"duckdb": duckdb_write, "chdb": chdb_write}[engine](pattern, out)
    print(f"lines={lines}")


main(*sys.argv[1:])
