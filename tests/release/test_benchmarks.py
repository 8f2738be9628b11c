"""The benchmark judges correctly: which targets are met or missed, and its tables are tables."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def compare():
    from benchmarks import compare

    return compare


def times(**seconds):
    """Times that meet every target, by default: 10 ms per picture forward, 25 ms for a gradient."""
    found = {("limit", f"{kind} {n}"): n * s for n in (1, 10) for kind, s in LIMIT}
    found |= {
        ("ours", "vanilla"): 0.026,
        ("ours", "Grad-CAM"): 0.011,
        ("ours", "SmoothGrad-50"): 1.27,
        ("tf-explain", "SmoothGrad-50"): 1.5,
        ("tf-keras-vis", "SmoothGrad-50"): 20.0,
        ("PAIR saliency", "SmoothGrad-50"): 20.0,
    }
    found |= {("ours", method): value for method, value in seconds.items()}
    return [
        {"network": "embedded", "library": a, "method": b, "seconds": s}
        for (a, b), s in found.items()
    ]


LIMIT = (("forward", 0.010), ("gradient", 0.025))
ONCE = [{"library": "ours", "network": "embedded", "peak_mb": 430.0, "first": 1.9, "second": 0.1}]
GROWTH = [{"peak_mb": 600.0, "given": 150e6}]


def missed(rows):
    return [row["target"] for row in rows if row["result"] != "met"]


def test_what_meets_every_target_is_said_to(compare):
    assert missed(compare.targets(times(), ONCE, GROWTH)) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"vanilla": 0.029}, "vanilla"),
        ({"Grad-CAM": 0.013}, "Grad-CAM"),
        ({"SmoothGrad-50": 1.37}, "bare gradients"),
    ],
)
def test_what_is_too_slow_is_missed(compare, change, word):
    assert any(word in target for target in missed(compare.targets(times(**change), ONCE, GROWTH)))


def test_memory_and_the_first_call_count(compare):
    (name,) = missed(compare.targets(times(), ONCE, [{"peak_mb": 900.0, "given": 150e6}]))
    assert "memory" in name
    (name,) = missed(compare.targets(times(), [ONCE[0] | {"first": 2.2}], GROWTH))
    assert "first call" in name


def test_a_peer_that_could_not_be_installed_leaves_the_rest(compare):
    some = [row for row in times() if row["library"] != "PAIR saliency"]
    rows = compare.targets(some, ONCE, GROWTH)
    (left_out,) = [row for row in rows if row["result"] == "not measured"]
    assert "PAIR" in left_out["target"]
    assert len(rows) == len(compare.targets(times(), ONCE, GROWTH))


def test_no_cell_breaks_a_table(compare):
    page = compare.table([{"a": 1.23456, "b": float("nan")}, {"a": 12345.6}], {"a": "A", "b": "B"})
    assert page.splitlines() == [
        "| A | B |",
        "| --- | --- |",
        "| 1.23 |  |",
        "| 12346 |  |",
    ]


def test_every_library_is_pinned():
    for name in ("course", "peers"):
        lines = (ROOT / f"benchmarks/requirements-{name}.txt").read_text().splitlines()
        pins = [line for line in lines if line and not line.startswith("#")]
        assert pins
        assert all("==" in line and "/" not in line for line in pins)
