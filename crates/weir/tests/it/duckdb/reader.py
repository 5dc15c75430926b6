"""Answers questions in SQL about a folder of the store, which is read anew for each. Arguments: folder, macros.

A line of stdin is a question, as {"sql": ...}, or {"files": true} for every record as pyarrow reads it; a line
of stdout is the answer, as {"rows": [...]} or {"error": ...}.
"""

import glob
import json
import sys

import duckdb
import pyarrow.parquet as parquet

folder, macros = sys.argv[1:]
pattern = folder + "/day=*/*.parquet"
database = duckdb.connect(config={"threads": 1})
database.execute("SET TimeZone='UTC'")
database.execute(macros)


def records_of_files():
    records = []
    for path in sorted(glob.glob(pattern)):
        for row in parquet.read_table(path, partitioning=None).to_pylist():
            record = {name: value for name, value in row.items() if value is not None}
            record["@timestamp"] = record["@timestamp"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            records.append(record)
    return records


def answer(question):
    if question.get("files"):
        return records_of_files()
    sql = question["sql"].replace("records", f"read_parquet('{pattern}', hive_partitioning=false)", 1)
    return database.execute(sql).fetchall()


for line in sys.stdin:
    try:
        reply = {"rows": answer(json.loads(line))}
    except Exception as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply, default=str), flush=True)
