"""The questions of crates/store/examples/query_rate.rs as SQL, on weir's own files or on the JSON that they are of.

Usage: store_queries.py duckdb|chdb parquet|json QUERY_OUT RUNS

QUERY_OUT is what query_rate wrote: it has the values that are looked for. For each question it prints a line
`name warm_ms VALUE`, the median of RUNS after one that is not counted, and how many rows were found. On all cores.
"""

import re
import statistics
import sys
import time

FILES = "store/day=*/*.parquet"
REQUESTS, ERRORS = "nginx-user/*.log", "errors/*.log"


def wanted(path):
    """The values in the comments of query_rate's output."""
    text = open(path, encoding="utf-8").read()
    return dict(re.findall(r'^# (\w+): .*"([^"]*)"$', text, re.MULTILINE))


class DuckDb:
    user = "map_extract(_text, 'session_user')[1]"
    percentiles = "quantile_disc({0}, [0.5, 0.95, 0.99])"
    minute = "date_trunc('minute', {0})"
    json_minute = "CAST(floor(CAST(msec AS DOUBLE) / 60) AS BIGINT)"
    seconds = "CAST(request_time AS DOUBLE)"
    route = "regexp_replace(split_part(request_uri, '?', 1), '/[^/]*[0-9][^/]*', '/{id}', 'g')"
    quote = '"'

    def __init__(self):
        import duckdb

        self.connection = duckdb.connect()

    def parquet(self):
        return f"read_parquet('{FILES}', hive_partitioning=false)"

    def json(self, pattern):
        return f"read_json('{pattern}', format='newline_delimited', ignore_errors=true)"

    def ask(self, sql):
        # As Python's values its times would need a package more.
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {sql}")
        return self.connection.execute("SELECT count(*) FROM answer").fetchone()[0]


class Chdb:
    user = "_text['session_user']"
    percentiles = "quantilesExactLow(0.5, 0.95, 0.99)({0})"
    minute = "toStartOfMinute({0})"
    json_minute = "intDiv(toFloat64(msec), 60)"
    seconds = "toFloat64(request_time)"
    route = "replaceRegexpAll(splitByChar('?', request_uri)[1], '/[^/]*[0-9][^/]*', '/{id}')"
    quote = "`"

    def __init__(self):
        from chdb.session import Session

        self.session = Session()

    def parquet(self):
        return f"file('{FILES}', 'Parquet')"

    def json(self, pattern):
        return f"file('{pattern}', 'JSONEachRow')"

    def ask(self, sql):
        settings = "input_format_allow_errors_ratio = 0.01, schema_inference_make_columns_nullable = 1"
        return len(str(self.session.query(f"{sql} SETTINGS {settings}", "TSV")).splitlines())


def on_parquet(engine, values):
    source, timestamp = engine.parquet(), f"{engine.quote}@timestamp{engine.quote}"
    newest = f"ORDER BY {timestamp} DESC LIMIT 100"
    return {
        "request_id": f"SELECT * FROM {source} WHERE source = 'nginx' AND request_id = '{values['request_id']}'",
        "session_user": f"SELECT * FROM {source} WHERE {engine.user} = '{values['session_user']}' {newest}",
        "user_email": f"SELECT * FROM {source} WHERE user_email = '{values['user_email']}' {newest}",
        "routes": f"SELECT route, {engine.percentiles.format('request_time')}, avg(request_time), count(*) "
        f"FROM {source} WHERE source = 'nginx' GROUP BY route",
        "status_by_minute": f"SELECT status, {engine.minute.format(timestamp)} AS minute, count(*) "
        f"FROM {source} WHERE source = 'nginx' GROUP BY status, minute",
        "rare_word": f"SELECT * FROM {source} WHERE message LIKE '%revoked%' {newest}",
        "common_word_count": f"SELECT count(*) FROM {source} WHERE message LIKE '%timeout%'",
    }


def on_json(engine, values):
    requests, errors = engine.json(REQUESTS), engine.json(ERRORS)
    return {
        "request_id": f"SELECT * FROM {requests} WHERE request_id = '{values['request_id']}'",
        "session_user": f"SELECT * FROM {requests} WHERE session_user = '{values['session_user']}' LIMIT 100",
        "user_email": f"SELECT * FROM {errors} WHERE user_email = '{values['user_email']}' LIMIT 100",
        "routes": f"SELECT {engine.route} AS route, {engine.percentiles.format(engine.seconds)}, "
        f"avg({engine.seconds}), count(*) FROM {requests} GROUP BY route",
        "status_by_minute": f"SELECT status, {engine.json_minute} AS minute, count(*) FROM {requests} "
        "GROUP BY status, minute",
        "rare_word": f"SELECT * FROM {errors} WHERE message LIKE '%revoked%' LIMIT 100",
        "common_word_count": f"SELECT count(*) FROM {errors} WHERE message LIKE '%timeout%'",
    }


def main(engine, source, query_out, runs):
    engine = {"duckdb": DuckDb, "chdb": Chdb}[engine]()
    questions = {"parquet": on_parquet, "json": on_json}[source](engine, wanted(query_out))
    for name, sql in questions.items():
        found, times = engine.ask(sql), []
        for _ in range(int(runs)):
            begun = time.perf_counter()
            engine.ask(sql)
            times.append((time.perf_counter() - begun) * 1e3)
        print(f"{name} warm_ms {statistics.median(times):.2f}")
        print(f"{name} found {found}")


main(*sys.argv[1:])
