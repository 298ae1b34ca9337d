"""Gradient-boosted trees by LightGBM: classes and numbers, text features, missing values, monotone constraints."""

import contract
from contract import Refusal, number, one_of, whole

THREADS = 2
TOLD_EVERY = 20

# Under LightGBM's own names and bounds; what is not here has no say in a model that is to be made again byte for byte.
PARAMETERS = {
    "num_iterations": (200, whole(1, 20_000)),
    "learning_rate": (0.05, number(1e-5, 1)),
    "num_leaves": (31, whole(2, 4096)),
    "max_depth": (-1, whole(-1, 64)),
    "min_data_in_leaf": (20, whole(1, 10_000_000)),
    "min_sum_hessian_in_leaf": (1e-3, number(0, 1e9)),
    "min_gain_to_split": (0.0, number(0, 1e9)),
    "lambda_l1": (0.0, number(0, 1e9)),
    "lambda_l2": (0.0, number(0, 1e9)),
    "feature_fraction": (1.0, number(0.01, 1)),
    "bagging_fraction": (1.0, number(0.01, 1)),
    "bagging_freq": (0, whole(0, 10_000)),
    "path_smooth": (0.0, number(0, 1e9)),
    "max_bin": (255, whole(2, 4095)),
    "objective": ("regression", one_of("regression", "regression_l1", "huber", "fair", "quantile", "mape")),
    "alpha": (0.9, number(1e-6, 1e6)),
}


def train(job):
    task = contract.task_of(job)
    given = contract.take_parameters(job["parameters"], PARAMETERS)
    if task != "regression" and "objective" in job["parameters"]:
        raise Refusal("train.parameters.objective is chosen by the task, but for a regression.")
    signs = contract.monotone_signs(job)
    if task == "multiclass" and any(signs):
        raise Refusal("train.monotone: LightGBM keeps no monotone constraint for more than two classes.")
    load()
    table = contract.read_table(job["train"], job)
    contract.check_labels(job, table)
    print(f"Read {len(table)} rows with {len(job['features'])} features.", flush=True)
    encoders = encoders_of(job, table)
    data = dataset(job, table, encoders)
    validation = None
    if job.get("validation"):
        held = contract.read_table(job["validation"], job)
        validation = dataset(job, held, encoders, reference=data)
    elif job.get("earlyStoppingRounds"):
        raise Refusal("train.earlyStopping needs validation rows, and the job has none.")
    booster, made = fit(job, task, given, data, validation)
    rounds = booster.best_iteration or booster.current_iteration()
    onnx_bytes = to_onnx(job, task, booster, encoders)
    stopped = f", the best of {made} by the validation rows" if booster.best_iteration else ""
    best = booster.best_score.get("validation", {})
    said = "".join(f"; {name} on the validation rows {value:.4f}" for name, value in best.items())
    contract.write_results(
        onnx_bytes,
        packages=["lightgbm", "numpy", "scipy", "onnx", "duckdb"],
        trainer="countersign-lightgbm 1",
        summary=f"{rounds} rounds of trees with {given['num_leaves']} leaves at most{stopped}{said}.",
        predictions=booster.predict(matrix_of(job, table.head(contract.CHECKED_ROWS), encoders).astype(np.float64)),
        iterations=rounds,
        metrics={f"validation {name}": value for name, value in best.items()},
    )


def load():
    """After the parameters were found to be good: these take a second to load."""
    global lgb, np, helper, graphs, encoders_of, matrix_of, of_lightgbm
    import lightgbm as lgb
    import numpy as np
    from onnx import helper

    import graphs
    from categories import encoders_of, matrix_of
    from tree_ensemble import of_lightgbm


def dataset(job, table, encoders, reference=None):
    names = [f"f{place}" for place in range(len(job["features"]))]
    return lgb.Dataset(
        matrix_of(job, table, encoders),
        label=table.label,
        weight=contract.row_weights(job, table),
        feature_name=names,
        reference=reference,
        free_raw_data=False,
        params={"verbosity": -1},
    )


def fit(job, task, given, data, validation):
    """The booster, and how many rounds were made: the booster itself forgets those after its best one."""
    objective = {"binary": "binary", "multiclass": "multiclass"}.get(task, given["objective"])
    parameters = {
        **given,
        "objective": objective,
        "seed": job["seed"],
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": THREADS,
        "verbosity": -1,
        "monotone_constraints": contract.monotone_signs(job),
    }
    if task == "multiclass":
        parameters["num_class"] = len(job["classes"])
        parameters.pop("monotone_constraints")
    total = parameters.pop("num_iterations")
    made = 0

    def count(state):
        nonlocal made
        made = state.iteration + 1
        tell(state, total)

    callbacks = [count]
    if job.get("earlyStoppingRounds"):
        callbacks.append(lgb.early_stopping(job["earlyStoppingRounds"], verbose=False))
    try:
        booster = lgb.train(
            parameters,
            data,
            num_boost_round=total,
            valid_sets=[validation] if validation is not None else [],
            valid_names=["validation"] if validation is not None else [],
            callbacks=callbacks,
        )
    except lgb.basic.LightGBMError as error:
        raise Refusal(f"LightGBM refuses: {error}") from error
    return booster, made


def tell(state, total):
    done = state.iteration + 1
    if done % TOLD_EVERY and done != total:
        return
    results = "".join(f", {name} {value:.4f} on the validation rows" for _, name, value, *_ in state.evaluation_result_list or [])
    print(f"Round {done} of {total}{results}.", flush=True)


def to_onnx(job, task, booster, encoders):
    targets = len(job["classes"]) if task == "multiclass" else 1
    ends, outputs, constants = graphs.output_nodes(task, "/raw")
    nodes = [*graphs.matrix_nodes(job, encoders, "/matrix"), of_lightgbm(booster, targets).node("/matrix", "/raw"), *ends]
    graph = helper.make_graph(nodes, "lightgbm", graphs.feature_inputs(job), outputs, initializer=constants)
    return graphs.to_bytes(graph, "countersign-lightgbm")


if __name__ == "__main__":
    contract.run(train)
