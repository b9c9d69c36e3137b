"""Classification accuracy score: what a classifier that saw made samples only is worth on real ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError

MOST = 10_000  # samples learnt from
STEPS = 10_000  # of L-BFGS, at the most; some hundreds are usual


def classifier_accuracy(
    fake: Tensor, fake_labels: Tensor, real: Tensor, real_labels: Tensor, seed: int = 0, most: int = MOST
) -> float:
    """Accuracy in [0, 1] on real features [m, d] of a classifier that learnt from ``fake`` [n, d] and its labels [n].

    Ravuri & Vinyals 2019, arXiv:1905.10887, with multinomial logistic regression (L2, C = 1) on standardised features,
    run to convergence, in the place of a ResNet on pictures. Of more than ``most`` samples a random part is learnt from
    (by ``seed``). The ceiling is the same function of real training samples, against the same test samples:
    ``classifier_accuracy(train, train_labels, real, real_labels)``; the gap to it is what the generator misses. Raises
    InputError when labels and features do not match, or the made samples are of one class only.
    """
    for features, labels in ((fake, fake_labels), (real, real_labels)):
        if features.dim() != 2 or labels.shape != features.shape[:1] or not len(features):
            raise InputError(
                f"expected features [n, d] and labels [n], not {list(features.shape)}, {list(labels.shape)}"
            )
    if len(fake_labels.unique()) < 2 or fake.shape[1] != real.shape[1]:
        raise InputError("expected made samples of two classes or more, and as many features as real samples have")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.random.default_rng(seed).permutation(len(fake))[:most]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=STEPS))
    model.fit(fake.double().numpy()[rows], fake_labels.numpy()[rows])
    named = torch.from_numpy(model.predict(real.double().numpy()))
    return float((named == real_labels).double().mean())
