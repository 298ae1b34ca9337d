"""Trees of any library as one TreeEnsembleRegressor: the same splits, thresholds and missing values, to the bit."""

from onnx import helper

import graphs

FIELDS = "treeids nodeids featureids values modes truenodeids falsenodeids missing_value_tracks_true hitrates".split()


class Ensemble:
    """Collects trees; each adds its leaf's value to one of the targets. Splits are x <= threshold, true to the left."""

    def __init__(self, targets, base=None):
        self.targets = targets
        self.base = base
        self.fields = {name: [] for name in FIELDS}
        self.leaves = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
        self.trees = 0

    def add(self, target, root, read):
        """`read(node)` gives a leaf's value, or (feature, threshold, missing goes left, left, right)."""
        tree = self.trees
        self.trees += 1
        # Iterative, depth first: a tree may be deeper than Python's stack.
        waiting = [(root, None, None)]
        own = 0
        while waiting:
            node, parent, side = waiting.pop()
            if parent is not None:
                self.fields[side][parent] = own
            place = len(self.fields["treeids"])
            found = read(node)
            leaf = not isinstance(found, tuple)
            feature, threshold, missing_left = (0, 0.0, False) if leaf else found[:3]
            values = (tree, own, feature, graphs.at_most(threshold), "LEAF" if leaf else "BRANCH_LEQ", 0, 0, int(missing_left), 1.0)
            for name, value in zip(FIELDS, values):
                self.fields[name].append(value)
            if leaf:
                for name, value in zip(self.leaves, (tree, own, target, float(found))):
                    self.leaves[name].append(value)
            else:
                waiting.append((found[4], place, "falsenodeids"))
                waiting.append((found[3], place, "truenodeids"))
            own += 1

    def node(self, source, output):
        return helper.make_node(
            "TreeEnsembleRegressor",
            [source],
            [output],
            domain="ai.onnx.ml",
            n_targets=self.targets,
            aggregate_function="SUM",
            post_transform="NONE",
            **({} if self.base is None else {"base_values": [float(value) for value in self.base]}),
            **{f"nodes_{name}": values for name, values in self.fields.items()},
            **{f"target_{name}": values for name, values in self.leaves.items()},
        )


def of_lightgbm(booster, targets):
    ensemble = Ensemble(targets)
    dump = booster.dump_model(num_iteration=booster.best_iteration or -1)
    for tree in dump["tree_info"]:
        ensemble.add(tree["tree_index"] % targets, tree["tree_structure"], lightgbm_node)
    return ensemble


def lightgbm_node(node):
    if "leaf_value" in node:
        return node["leaf_value"]
    if node["decision_type"] != "<=":
        raise ValueError(f"A split by {node['decision_type']} was not expected.")
    # A feature that was never missing in training takes a missing value for nought, as LightGBM does.
    left = node["default_left"] if node["missing_type"] == "NaN" else 0.0 <= node["threshold"]
    return node["split_feature"], node["threshold"], left, node["left_child"], node["right_child"]


def of_hist_gradient_boosting(estimator):
    """scikit-learn's histogram boosting: skl2onnx 1.20 cannot write it with the protobuf of today."""
    base = estimator._baseline_prediction.ravel()
    ensemble = Ensemble(len(base), base)
    for round_ in estimator._predictors:
        for target, predictor in enumerate(round_):
            nodes = predictor.nodes

            def read(place, nodes=nodes):
                node = nodes[place]
                if node["is_leaf"]:
                    return node["value"]
                threshold, left = float(node["num_threshold"]), bool(node["missing_go_to_left"])
                return int(node["feature_idx"]), threshold, left, int(node["left"]), int(node["right"])

            ensemble.add(target, 0, read)
    return ensemble
