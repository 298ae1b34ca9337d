"""The same thirty rules by Great Expectations or pandera on pandas, reading the Parquet file included."""
import json
import logging
import resource
import sys
import time

tool, path = sys.argv[1], sys.argv[2]
IN = {"currency": ["EUR", "USD", "GBP", "CHF"], "kind": ["card", "transfer", "cash"], "country": ["DE", "FR", "GB", "IT"]}
REQUIRED = ["id", "reference", "customer", "currency", "amount", "kind", "foreign_bank", "paid_at", "risk", "country", "score"]
RANGE = {"customer": (0, None), "amount": (0, 10000), "age": (0, 120), "attempts": (0, 4), "risk": (0, 1), "tenure": (0, None), "score": (None, 0.5)}
PATTERN = {"reference": "^P-[0-9]{9}$", "mail": "^[^@]+@example[.]org$"}


def expectations():
    import great_expectations as gx
    import pandas as pd

    logging.disable(logging.WARNING)
    e = gx.expectations
    start, used = time.perf_counter(), time.process_time()
    frame = pd.read_parquet(path)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    suite = context.suites.add(gx.ExpectationSuite(name="s"))
    rules = [e.ExpectColumnValuesToNotBeNull(column=c) for c in REQUIRED]
    rules += [e.ExpectColumnValuesToBeInSet(column=c, value_set=v) for c, v in IN.items()]
    rules += [e.ExpectColumnValuesToBeBetween(column=c, min_value=lo, max_value=hi) for c, (lo, hi) in RANGE.items()]
    rules += [e.ExpectColumnValuesToMatchRegex(column=c, regex=r) for c, r in PATTERN.items()]
    rules += [e.ExpectColumnValuesToBeUnique(column="id"), e.ExpectColumnValueLengthsToBeBetween(column="shop", min_value=2, max_value=4)]
    rules += [e.ExpectColumnValuesToNotBeNull(column="age", mostly=0.95)]
    rules += [e.ExpectColumnValuesToBeBetween(column="paid_at", min_value=pd.Timestamp("2024-01-01"), max_value=pd.Timestamp("2025-01-01"), strict_max=True)]
    for rule in rules:
        suite.add_expectation(rule)
    definition = context.validation_definitions.add(gx.ValidationDefinition(name="v", data=batch, suite=suite))
    outcome = definition.run(batch_parameters={"dataframe": frame}, result_format="BASIC")
    seconds = (time.perf_counter() - start, time.process_time() - used)
    broken = [[r.expectation_config.kwargs["column"], r.result.get("unexpected_count")] for r in outcome.results if not r.success]
    return seconds, len(rules), broken


def schema():
    import pandas as pd
    import pandera.pandas as pa

    start, used = time.perf_counter(), time.process_time()
    frame = pd.read_parquet(path)
    columns, rules = {}, 0
    for name in frame.columns:
        checks = []
        if name in IN:
            checks.append(pa.Check.isin(IN[name]))
        if name in RANGE:
            low, high = RANGE[name]
            checks += [pa.Check.ge(low)] if low is not None else []
            checks += [pa.Check.le(high)] if high is not None else []
        if name in PATTERN:
            checks.append(pa.Check.str_matches(PATTERN[name]))
        if name == "shop":
            checks.append(pa.Check.str_length(2, 4))
        if name == "paid_at":
            checks.append(pa.Check.in_range(pd.Timestamp("2024-01-01"), pd.Timestamp("2025-01-01"), include_max=False))
        if name == "age":
            checks.append(pa.Check(lambda s: s.isna().mean() < 0.05, ignore_na=False))
        rules += len(checks) + (name in REQUIRED) + (name == "id")
        columns[name] = pa.Column(checks=checks, nullable=name not in REQUIRED, unique=name == "id")
    broken = []
    try:
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        broken = [[c, int(n)] for c, n in cases.groupby("column").size().items()]
    return (time.perf_counter() - start, time.process_time() - used), rules, broken


(seconds, cpu), rules, broken = expectations() if tool == "great_expectations" else schema()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "cpuSeconds": cpu, "peakMb": peak, "rules": rules, "broken": broken}))
