"""Estimators of scikit-learn: classes and numbers, text features, missing values, monotone constraints."""

import numpy as np
from onnx import helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import contract
import graphs
from categories import encoders_of, matrix_of
from contract import Refusal, number, one_of, whole
from tree_ensemble import of_hist_gradient_boosting

THREADS = 2
# skl2onnx takes no name with a slash, such as our own nodes have.
MATRIX = "countersign_matrix"
CLASSIFIERS = {
    "logistic-regression": LogisticRegression,
    "random-forest": RandomForestClassifier,
    "extra-trees": ExtraTreesClassifier,
    "hist-gradient-boosting": HistGradientBoostingClassifier,
}
REGRESSORS = {
    "ridge": Ridge,
    "random-forest": RandomForestRegressor,
    "extra-trees": ExtraTreesRegressor,
    "hist-gradient-boosting": HistGradientBoostingRegressor,
}
FOREST = {
    "n_estimators": (100, whole(1, 5000)),
    # Without a limit a forest of 100,000 rows passes what a model file may weigh.
    "max_depth": (12, whole(1, 64)),
    "min_samples_leaf": (5, whole(1, 10_000_000)),
    "max_features": (1.0, number(0.001, 1)),
}
PARAMETERS = {
    "logistic-regression": {"C": (1.0, number(1e-9, 1e9)), "max_iter": (1000, whole(1, 100_000))},
    "ridge": {"alpha": (1.0, number(0, 1e12))},
    "random-forest": FOREST,
    "extra-trees": FOREST,
    "hist-gradient-boosting": {
        "learning_rate": (0.1, number(1e-5, 1)),
        "max_iter": (200, whole(1, 20_000)),
        "max_leaf_nodes": (31, whole(2, 4096)),
        "max_depth": (64, whole(1, 64)),
        "min_samples_leaf": (20, whole(1, 10_000_000)),
        "l2_regularization": (0.0, number(0, 1e9)),
        "max_bins": (255, whole(2, 255)),
    },
}


def train(job):
    regression = contract.task_of(job) == "regression"
    known = REGRESSORS if regression else CLASSIFIERS
    given = dict(job["parameters"])
    name = given.pop("estimator", "hist-gradient-boosting")
    fault = one_of(*known)(name)
    if fault is not None:
        raise Refusal(f"train.parameters.estimator {fault}, not {name!r}.")
    parameters = contract.take_parameters(given, PARAMETERS[name])
    table = contract.read_table(job["train"], job)
    contract.check_labels(job, table)
    print(f"Read {len(table)} rows with {len(job['features'])} features.", flush=True)
    encoders = encoders_of(job, table)
    matrix = matrix_of(job, table, encoders)
    estimator = make(job, name, known[name], parameters)
    print(f"Fitting {type(estimator).__name__}.", flush=True)
    rounds = fit(job, name, estimator, (matrix, table), encoders)
    pipeline = estimator
    answer = predictions(job, pipeline, matrix[: contract.CHECKED_ROWS])
    onnx_bytes = convert(job, pipeline, encoders, matrix.shape[1])
    stopped = "" if rounds is None else f" with {rounds} rounds"
    contract.write_results(
        onnx_bytes,
        packages=["scikit-learn", "skl2onnx", "numpy", "scipy", "onnx", "duckdb"],
        trainer="countersign-scikit-learn 1",
        summary=f"scikit-learn's {name} fitted{stopped}.",
        predictions=answer,
        iterations=rounds,
    )


def make(job, name, kind, parameters):
    signs = contract.monotone_signs(job)
    more = {"random_state": job["seed"]} if "random_state" in kind().get_params() else {}
    if "n_jobs" in kind().get_params() and name not in ("logistic-regression", "ridge"):
        more["n_jobs"] = THREADS
    if any(signs):
        if "monotonic_cst" not in kind().get_params():
            raise Refusal(f"train.monotone: {name} keeps no monotone constraint.")
        if job.get("classes") and len(job["classes"]) > 2:
            raise Refusal("train.monotone: scikit-learn keeps no monotone constraint for more than two classes.")
        # The columns that mark what was missing come after the features.
        more["monotonic_cst"] = signs
    if name == "hist-gradient-boosting":
        more["early_stopping"] = bool(job.get("earlyStoppingRounds"))
        more["n_iter_no_change"] = job.get("earlyStoppingRounds") or 10
        return kind(**parameters, **more)
    if job.get("earlyStoppingRounds"):
        raise Refusal(f"train.earlyStopping: {name} has no rounds that could end early.")
    steps = [SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), kind(**parameters, **more)]
    return make_pipeline(*steps)


def fit(job, name, estimator, data, encoders):
    matrix, table = data
    weights = contract.row_weights(job, table)
    if name != "hist-gradient-boosting":
        last = estimator.steps[-1][0]
        estimator.fit(matrix, table.label, **({f"{last}__sample_weight": weights} if weights is not None else {}))
        return None
    more = {}
    if job.get("earlyStoppingRounds"):
        if not job.get("validation"):
            raise Refusal("train.earlyStopping needs validation rows, and the job has none.")
        held = contract.read_table(job["validation"], job)
        more = {"X_val": matrix_of(job, held, encoders), "y_val": held.label}
        if weights is not None:
            more["sample_weight_val"] = contract.row_weights(job, held)
    estimator.fit(matrix, table.label, sample_weight=weights, **more)
    return int(estimator.n_iter_)


def predictions(job, estimator, matrix):
    task = contract.task_of(job)
    if task == "regression":
        return estimator.predict(matrix)
    answer = in_all_classes(job, estimator, estimator.predict_proba(matrix))
    return answer[:, 1] if task == "binary" else answer


def in_all_classes(job, estimator, answer):
    if len(estimator.classes_) == (len(job["classes"]) if job.get("classes") else 2):
        return answer
    missing = sorted(set(range(len(job["classes"]))) - set(estimator.classes_.tolist()))
    raise Refusal(f"The class {job['classes'][missing[0]]!r} does not occur among the training rows.")


def convert(job, estimator, encoders, width):
    """Our own front (text to numbers, one matrix) and skl2onnx's model of the matrix, as one graph."""
    task = contract.task_of(job)
    regression = task == "regression"
    if isinstance(estimator, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)):
        ends, outputs, constants = graphs.output_nodes(task, "/raw")
        trees = of_hist_gradient_boosting(estimator).node("/matrix", "/raw")
        nodes = [*graphs.matrix_nodes(job, encoders, "/matrix"), trees, *ends]
        graph = helper.make_graph(nodes, "scikit-learn", graphs.feature_inputs(job), outputs, initializer=constants)
        return graphs.to_bytes(graph, "countersign-scikit-learn")
    options = None if regression else {id(last_of(estimator)): {"zipmap": False}}
    converted = to_onnx(
        estimator, initial_types=[(MATRIX, FloatTensorType([None, width]))], options=options, target_opset={"": 17, "ai.onnx.ml": 3}
    )
    inner = converted.graph
    front = graphs.matrix_nodes(job, encoders, MATRIX)
    nodes = [*front, *inner.node]
    if regression:
        nodes.append(helper.make_node("Identity", [inner.output[0].name], ["value"]))
        outputs = [graphs.float_output("value", 1)]
    else:
        classes = len(job["classes"]) if job.get("classes") else 2
        names = [output.name for output in inner.output]
        if names[1] != "probabilities":
            nodes.append(helper.make_node("Identity", [names[1]], ["probabilities"]))
        outputs = [inner.output[0], graphs.float_output("probabilities", classes)]
    graph = helper.make_graph(nodes, "scikit-learn", graphs.feature_inputs(job), outputs, initializer=list(inner.initializer))
    return graphs.to_bytes(graph, "countersign-scikit-learn")


def last_of(estimator):
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


if __name__ == "__main__":
    contract.run(train)
