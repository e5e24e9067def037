"""The moves beneath the beliefs: no move touches the next one, however many rounds there are."""

import datetime as dt
from itertools import pairwise

import numpy as np
import pytest

from standoff.show.figures.beliefs import Trace, beliefs
from standoff.show.figures.drawing import look

WORD = "back down?:\nquarantine\nand more"


def drawn(rounds, word=WORD):
    starts = [dt.date(2031, 1, 1) + dt.timedelta(days=14 * k) for k in range(rounds)]
    values = np.random.default_rng(0).random((2, 2, rounds, 20))
    traces = [Trace(f"Mind {k}", *two) for k, two in enumerate(values)]
    some = ["" if k % 3 == 0 else word for k in range(rounds)]
    with look():
        figure = beliefs(starts, traces, [("The first side", [word] * rounds), ("The other", some)], "chance").figure
        figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("rounds", [1, 2, 9, 13, 14, 26, 40, 60])
def test_no_move_touches_the_next(rounds):
    texts = drawn(rounds).axes[-1].texts
    assert len(texts) == rounds + sum(k % 3 != 0 for k in range(rounds))
    for lane in (texts[:rounds], texts[rounds:]):
        boxes = [text.get_bbox_patch() for text in lane]
        corners = [box.get_transform().transform(box.get_path().vertices) for box in boxes]
        angle = np.deg2rad(lane[0].get_rotation()) if lane else 0.0
        axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        for a, b in pairwise([points @ axes.T for points in corners]):
            assert (np.maximum(a.min(0), b.min(0)) - np.minimum(a.max(0), b.max(0))).max() > 0


def test_few_short_moves_keep_their_size_and_none_is_no_trouble():
    assert {text.get_fontsize() for text in drawn(9, "display").axes[-1].texts} == {7.0}
    assert len(drawn(9, "").axes[-1].texts) == 0
