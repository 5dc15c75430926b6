"""The same groups in ClickHouse inside Python (chdb), on all cores.

Usage: chdb_query.py alb PATTERN      count, bytes and seconds by host, method, status and route
       chdb_query.py nginx PATTERN    count and exact percentiles by method and route
"""

import sys

import chdb

from alb import ROUTE_ID, ROUTE_PATTERN, typed_columns

# A few lines have quotes and bytes that its CSV rules refuse; it skips those and counts the rest.
SKIP_BAD_LINES = "input_format_allow_errors_ratio = 0.01"


def route(path):
    return f"replaceRegexpAll({path}, '{ROUTE_PATTERN}', '{ROUTE_ID}')"


def alb(pattern):
    columns = ", ".join(f"{name} {kind}" for name, kind in typed_columns("String", "Float64", "UInt64", "UInt16"))
    url = "splitByChar(' ', request)[2]"
    query = f"""
        SELECT domain({url}) AS host, splitByChar(' ', request)[1] AS method, elb_status,
               {route(f"path({url})")} AS route, count() AS requests, sum(sent_bytes) AS bytes,
               sumIf(target_processing_time, target_processing_time >= 0) AS seconds
        FROM file('{pattern}', 'CustomSeparated', '{columns}', 'gzip') GROUP BY host, method, elb_status, route"""
    settings = "format_custom_field_delimiter = ' ', format_custom_escaping_rule = 'CSV', format_csv_delimiter = ' '"
    return query, f"{settings}, {SKIP_BAD_LINES}"


def nginx(pattern):
    columns = "request_method LowCardinality(String), request_uri String, request_time Float64"
    query = f"""
        SELECT request_method AS method, {route("path(request_uri)")} AS route, count() AS requests,
               quantilesExact(0.5, 0.95, 0.99)(request_time) AS percentiles
        FROM file('{pattern}', 'JSONEachRow', '{columns}') GROUP BY method, route"""
    return query, SKIP_BAD_LINES


def main(kind, pattern):
    query, settings = {"alb": alb, "nginx": nginx}[kind](pattern)
    # All columns are asked for, or the planner would leave out the sums that nobody reads.
    reads = "any(bytes), any(seconds)" if kind == "alb" else "any(percentiles)"
    answer = chdb.query(f"SELECT sum(requests), count(), {reads} FROM ({query}) SETTINGS {settings}", "TSV")
    lines, groups = str(answer).split("\t")[:2]
    print(f"lines={lines} groups={groups}")


main(*sys.argv[1:])
