"""Labels: one or several columns of classes, continuous conditions, and how users write them."""

from __future__ import annotations

import numpy as np
import pytest

from ganvas.errors import InputError
from ganvas.labels import Labels

VALUES = np.array([[0, 1, 3.0], [1, 0, 5.0], [0, 0, 7.0], [0, 1, 9.0]])
FACES = Labels.of(["hair", "smile", "age"], [["blond", "dark"], ["no", "yes"], []], VALUES)


def test_encoding_is_one_hot_blocks_and_standardised_numbers() -> None:
    got = FACES.encode(VALUES[:2])
    assert got.shape == (2, FACES.width) == (2, 5)
    deviation = VALUES[:, 2].std()
    assert got[0].tolist() == pytest.approx([1, 0, 0, 1, (3 - 6) / deviation])
    assert got[1].tolist() == pytest.approx([0, 1, 1, 0, (5 - 6) / deviation])


@pytest.mark.parametrize(
    "label",
    [
        "dark,yes,4.5",
        "hair=dark,smile=yes,age=4.5",
        "age=4.5, smile=1 ,hair=1",
        {"hair": 1, "smile": "yes", "age": 4.5},
    ],
)
def test_ways_to_write_a_label(label: object) -> None:
    assert FACES.parse(label).tolist() == [1, 1, 4.5]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("dark,yes", "lacks age"),
        ("hair=dark,smil=yes,age=1", "did you mean 'smile'"),
        ("drak,yes,1", "did you mean 'dark'"),
        ("dark,yes,old", "not a number"),
        ("dark,yes,nan", "not a number"),
        ("2,yes,1", "no label '2'"),
    ],
)
def test_wrong_labels_teach(label: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        FACES.parse(label)


def test_names_and_json_round_trip() -> None:
    again = Labels.load(FACES.config())
    assert again.columns == FACES.columns
    assert np.array_equal(again.rows, FACES.rows)
    assert again.names(VALUES[:1]) == ["blond,yes,3"]


def test_several_class_columns_keep_their_joint_distribution() -> None:
    labels = Labels.of(["a", "b"], [["x", "y"], ["p", "q"]], np.array([[0, 0]] * 3 + [[1, 1]]))
    drawn = labels.draw((np.arange(1000) + 0.5) / 1000)
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 0] == 0).mean() == pytest.approx(0.75)
