"""Logistic regression whose features are weighted beforehand by how unevenly the classes use them.

After Wang and Manning, "Baselines and Bigrams" (ACL 2012), with rarity beside the log-count ratio: the weighting is
part of the learnt weight in the end, and costs nothing at run time.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags, hstack, vstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from training.matrix import Vector

EVENLY_USED = 0.3  # weight left to a feature that both classes use alike
LEANING = 0.1  # how readily a direction is used


def fit(
    matrix: csr_matrix,
    target: Vector,
    weight: Vector,
    idf: Vector,
    source: npt.NDArray[np.int64],
    *,
    directions: Vector | None = None,
    strength: float = 1.5,
) -> Vector:
    """One weight for each feature. ``target`` lies in 0..1 (a share of annotators counts as both classes in part).

    Each ``source`` gets an intercept of its own, which is thrown away: how common abuse is where a corpus was
    collected must not be learnt as a property of its words. ``directions`` (features, k) are sums of features that
    the model may lean on as on one.
    """
    prior = idf * (np.abs(_log_ratio(matrix, target, weight)) + EVENLY_USED)
    parts = [matrix @ diags(prior), csr_matrix((np.full(len(source), 4.0), (np.arange(len(source)), source)))]
    scales = np.empty(0)
    if directions is not None:
        along = np.asarray(matrix @ directions)
        scales = LEANING / (along.std(axis=0) + 1e-9)
        parts.append(csr_matrix(along * scales))
    scaled = hstack(parts).tocsr()
    positive, negative = target * weight > 0, (1 - target) * weight > 0
    model = LogisticRegression(
        C=strength, solver="liblinear", dual=True, fit_intercept=False, random_state=0, tol=0.1, max_iter=40
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # forty rounds are as good as converged for the ranking
        model.fit(
            vstack([scaled[positive], scaled[negative]]).tocsr(),
            np.repeat([1, 0], [positive.sum(), negative.sum()]),
            np.concatenate([(target * weight)[positive], ((1 - target) * weight)[negative]]),
        )
    learnt = model.coef_[0, : matrix.shape[1]] * prior
    if directions is not None:
        learnt = learnt + directions @ (model.coef_[0, -directions.shape[1] :] * scales)
    return np.asarray(learnt)


def _log_ratio(matrix: csr_matrix, target: Vector, weight: Vector) -> Vector:
    """log of (share of positives with the feature / share of negatives with it), one added to each count."""
    present = matrix.copy()
    present.data = np.ones_like(present.data)
    positive, negative = target * weight, (1 - target) * weight
    with_positive, with_negative = 1 + present.T @ positive, 1 + present.T @ negative
    return np.asarray(np.log(with_positive / positive.sum()) - np.log(with_negative / negative.sum()))
