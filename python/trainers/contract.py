"""The engine's contract of files, from a trainer's side: job.json and Parquet in, model.onnx and result.json out.

docs/trainers.md has the text of it. The working directory is the job folder.
"""

import difflib
import json
import os
import sys
import threading
import traceback

import duckdb
import numpy as np

CONTRACT = 1
# The engine compares what the ONNX model says of these rows with what the trained model says.
CHECKED_ROWS = 20


class Refusal(Exception):
    """What a person can correct; its text is told without a traceback."""


def end_with_engine():
    """The engine holds the other end of stdin: when it is gone, nobody waits for this model any more."""

    def wait():
        while os.read(0, 4096):
            pass
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def read_job():
    with open("job.json", encoding="utf-8") as file:
        job = json.load(file)
    if job.get("contract") != CONTRACT:
        raise Refusal(f"This trainer knows contract {CONTRACT} of job.json, not {job.get('contract')}.")
    if not job["features"]:
        raise Refusal("There is no feature to learn from.")
    return job


def task_of(job):
    return job.get("task", "binary")


class Table:
    """Columns by name (float32 with NaN where missing, strings with "" where missing) and the label."""

    def __init__(self, columns, label):
        self.columns = columns
        self.label = label

    def __len__(self):
        return len(self.label)

    def head(self, rows):
        return Table({name: values[:rows] for name, values in self.columns.items()}, self.label[:rows])


def read_table(path, job):
    """The rows of a Parquet file in the order of row_id."""
    casts = []
    for feature in job["features"]:
        name = quote(feature["name"])
        casts.append(
            f"CAST({name} AS FLOAT) AS {name}"
            if feature["type"] == "float"
            else f"coalesce(CAST({name} AS VARCHAR), '') AS {name}"
        )
    label = quote(job["label"])
    with duckdb.connect(config={"threads": "2"}) as connection:
        found = connection.execute(
            f'SELECT {", ".join(casts)}, CAST({label} AS DOUBLE) AS {label} FROM read_parquet(?) ORDER BY row_id', [path]
        ).fetchnumpy()
    columns = {}
    for feature in job["features"]:
        values = found[feature["name"]]
        if feature["type"] == "float":
            values = np.ma.filled(values, np.nan).astype(np.float32)
            values[np.isinf(values)] = np.nan
        columns[feature["name"]] = np.asarray(values)
    target = np.asarray(np.ma.filled(found[job["label"]], np.nan), dtype=np.float64)
    return Table(columns, target if task_of(job) == "regression" else target.astype(np.int64))


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def row_weights(job, table):
    """One weight a row from the job's class weights, or None."""
    wanted = job.get("classWeights")
    if wanted is None:
        return None
    if task_of(job) == "regression":
        raise Refusal("train.classWeights: a regression has no classes.")
    counts = np.bincount(table.label, minlength=len(job.get("classes") or [0, 1]))
    if wanted == "balanced":
        wanted = len(table) / (len(counts) * np.maximum(counts, 1))
    return np.asarray(wanted, dtype=np.float64)[table.label]


def check_labels(job, table):
    if task_of(job) == "regression":
        if np.all(table.label == table.label[0]):
            raise Refusal(f"All {len(table)} labels are {table.label[0]}: there is nothing to learn.")
    elif len(np.unique(table.label)) < 2:
        raise Refusal(f"All {len(table)} labels are of one class: there is nothing to learn.")


def take_parameters(given, known):
    """`known`: name -> (default, check). Unknown names and values that do not pass are refused by the field's name."""
    values = {name: default for name, (default, _) in known.items()}
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            meant = f" Did you mean {near[0]}?" if near else f" It takes {', '.join(sorted(known))}."
            raise Refusal(f"train.parameters.{name} is not taken by this trainer.{meant}")
        fault = known[name][1](value)
        if fault is not None:
            raise Refusal(f"train.parameters.{name} {fault}, not {json.dumps(value)}.")
        values[name] = value
    return values


def number(low, high):
    def check(value):
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"must be a number from {low:g} to {high:g}"

    return check


def whole(low, high):
    def check(value):
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value) and low <= value <= high
        return None if fits else f"must be a whole number from {low} to {high}"

    return check


def one_of(*choices):
    return lambda value: None if value in choices else f"must be one of {', '.join(map(str, choices))}"


def monotone_signs(job):
    """+1, -1 or 0 for each feature."""
    wanted = dict(job.get("monotone") or {})
    signs = []
    for feature in job["features"]:
        direction = wanted.pop(feature["name"], None)
        if direction is not None and feature["type"] != "float":
            raise Refusal(f"train.monotone.{feature['name']}: the feature is text, which has no order.")
        signs.append({"increasing": 1, "decreasing": -1}.get(direction, 0))
    if wanted:
        name = next(iter(wanted))
        names = ", ".join(feature["name"] for feature in job["features"])
        raise Refusal(f"train.monotone.{name}: there is no such feature; there are {names}.")
    return signs


def write_results(onnx_bytes, *, packages, trainer, summary, predictions, iterations=None, metrics=None):
    from importlib.metadata import version

    with open("model.onnx", "wb") as file:
        file.write(onnx_bytes)
    environment = {"trainer": trainer, "python": ".".join(map(str, sys.version_info[:3]))}
    environment.update({name: version(name) for name in packages})
    report = {
        "environment": environment,
        "summary": summary,
        "predictions": [float(value) for value in np.asarray(predictions, dtype=np.float64).ravel()],
        "metrics": metrics or {},
    }
    if iterations is not None:
        report["iterations"] = iterations
    with open("result.json", "w", encoding="utf-8") as file:
        json.dump(report, file)
    print(f"Wrote model.onnx, {len(onnx_bytes)} bytes.", flush=True)


def run(train):
    """Reads the job, trains, and ends with 0, or with 1 and a sentence on stderr."""
    end_with_engine()
    try:
        train(read_job())
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
