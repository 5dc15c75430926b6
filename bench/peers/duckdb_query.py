"""The same groups in DuckDB, on all cores.

Usage: duckdb_query.py alb PATTERN      count, bytes and seconds by host, method, status and route
       duckdb_query.py nginx PATTERN    count and exact percentiles by method and route
"""

import sys

import duckdb

from alb import ROUTE_ID, ROUTE_PATTERN, typed_columns


def route(path):
    return f"regexp_replace({path}, '{ROUTE_PATTERN}', '{ROUTE_ID}', 'g')"


def alb(pattern):
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in typed_columns("VARCHAR", "DOUBLE", "BIGINT", "INTEGER"))
    # A quote inside a field is written \", and a few clients send bytes that no CSV allows.
    source = (
        f"read_csv('{pattern}', delim=' ', quote='\"', escape='\\', header=false, auto_detect=false, "
        f"ignore_errors=true, columns={{{columns}}})"
    )
    path = "regexp_extract(request, '://[^/]+(/[^ ?]*)', 1)"
    return f"""
        SELECT split_part(split_part(request, '/', 3), ':', 1) AS host, split_part(request, ' ', 1) AS method,
               elb_status, {route(path)} AS route, count(*) AS requests, sum(sent_bytes) AS bytes,
               sum(target_processing_time) FILTER (target_processing_time >= 0) AS seconds
        FROM {source} GROUP BY ALL"""


def nginx(pattern):
    source = (
        f"read_json('{pattern}', format='newline_delimited', ignore_errors=true, columns={{"
        "'request_method': 'VARCHAR', 'request_uri': 'VARCHAR', 'request_time': 'DOUBLE'})"
    )
    path = "split_part(request_uri, '?', 1)"
    return f"""
        SELECT request_method AS method, {route(path)} AS route, count(*) AS requests,
               quantile_cont(request_time, [0.5, 0.95, 0.99]) AS percentiles
        FROM {source} GROUP BY ALL"""


def main(kind, pattern):
    query = {"alb": alb, "nginx": nginx}[kind](pattern)
    connection = duckdb.connect()
    connection.execute(f"CREATE TEMP TABLE answer AS {query}")
    lines, groups = connection.execute("SELECT sum(requests), count(*) FROM answer").fetchone()
    print(f"lines={lines} groups={groups}")


main(*sys.argv[1:])
