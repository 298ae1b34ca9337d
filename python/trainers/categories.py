"""Text features as numbers for trees: categories in the order of what they tell about the label."""

import numpy as np

# A category of a few rows says little: its mean is drawn towards the mean of all by so many rows.
PRIOR_ROWS = 20


class OrderedCategories:
    """The place of each known category in that order; NaN for "" and for what training never saw.

    For a label of two classes and for a number the order is that of the mean label (Fisher 1958: the best
    split of categories is one in this order); for more classes that of the first principal component of the
    categories' class shares (Coppersmith et al. 1999). Means are smoothed towards the mean of all.
    """

    def __init__(self, values, label, classes):
        names, codes = np.unique(values[values != ""], return_inverse=True)
        rows = label[values != ""]
        targets = np.eye(classes)[rows] if classes > 2 else rows.astype(np.float64).reshape(-1, 1)
        counts = np.bincount(codes, minlength=len(names)).astype(np.float64)
        sums = np.stack([np.bincount(codes, weights=column, minlength=len(names)) for column in targets.T], axis=1)
        prior = targets.mean(axis=0) if len(rows) else np.zeros(targets.shape[1])
        means = (sums + PRIOR_ROWS * prior) / (counts[:, None] + PRIOR_ROWS)
        scores = means[:, 0]
        if classes > 2 and len(names) > 1:
            centred = (means - np.average(means, axis=0, weights=counts)) * np.sqrt(counts)[:, None]
            direction = np.linalg.svd(centred, full_matrices=False)[2][0]
            # A principal component has no sign of its own: the largest share points upwards.
            direction = direction * np.sign(direction[np.argmax(np.abs(direction))])
            scores = means @ direction
        # Rounded, and ties by name: the order must not hang on the last bit of a sum.
        order = np.lexsort((names.astype(str), np.round(scores, 9)))
        self.names = [str(names[place]) for place in order]
        self.places = {name: float(place) for place, name in enumerate(self.names)}

    def encode(self, values):
        names, codes = np.unique(values, return_inverse=True)
        places = np.array([self.places.get(str(name), np.nan) for name in names], dtype=np.float32)
        return places[codes].reshape(-1) if len(names) else np.zeros(0, dtype=np.float32)


def encoders_of(job, table):
    """One for each text feature."""
    classes = len(job["classes"]) if job.get("classes") else 2
    return {
        feature["name"]: OrderedCategories(table.columns[feature["name"]], table.label, classes)
        for feature in job["features"]
        if feature["type"] == "string"
    }


def matrix_of(job, table, encoders):
    """float32 [rows, features] in the order of the job's features."""
    columns = [
        encoders[feature["name"]].encode(table.columns[feature["name"]])
        if feature["name"] in encoders
        else table.columns[feature["name"]]
        for feature in job["features"]
    ]
    return np.stack(columns, axis=1)
