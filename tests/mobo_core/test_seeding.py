from __future__ import annotations

import math
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mobo_core
from mobo_core.seeding import canonical_json, derive_seed, digest

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(mobo_core.__file__).parents[1]

texts = st.text("aB1 η", max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e6, 1e6) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def reversed_keys(value: Any) -> Any:
    """Return an equal value whose dictionaries were filled in the opposite order."""
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reversed_keys(item) for item in value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "[]"),
        ({"b": [True, None, "x"], "a": 1}, '{"a":1,"b":[true,null,"x"]}'),
        ((1, 2), "[1,2]"),
        ("η", '"\\u03b7"'),
        (0.1, "0.1"),
    ],
)
def test_canonical_json_by_hand(value: Any, text: str) -> None:
    assert canonical_json(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf]])
def test_json_has_no_nan(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x"])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    # Not turned into its repr, which may hold an address.
    with pytest.raises(TypeError):
        derive_seed(value)


# SHA-256 of the texts, from `printf '%s' TEXT | sha256sum` (GNU coreutils).
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"),
        ({}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        (None, "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"),
        (
            {"b": [True, None, "x"], "a": 1},
            "eca8cfb31ab74533e1eb2f4c74d2d55dfe3c79ac704787e54be8647ea7777eb1",
        ),
    ],
)
def test_digest_is_the_sha256_of_the_json(value: Any, expected: str) -> None:
    assert digest(value) == expected


def test_a_seed_is_the_top_63_bits_of_the_digest() -> None:
    # `printf '["run",1]' | sha256sum` begins aabe282640e29945, and so does `[]` above.
    assert derive_seed("run", 1) == 0xAABE282640E29945 // 2
    assert derive_seed() == 0x4F53CDA18C2BAA0C // 2


@given(json_values)
def test_the_order_of_keys_does_not_matter(value: Any) -> None:
    assert canonical_json(reversed_keys(value)) == canonical_json(value)
    assert derive_seed(reversed_keys(value)) == derive_seed(value)


@given(st.lists(json_values, max_size=3))
def test_seeds_fit_every_generator(parts: list[Any]) -> None:
    seed = derive_seed(*parts)
    assert type(seed) is int
    assert 0 <= seed < 2**63
    np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a", "bc"), ("ab", "c")),
        (("a", "b"), (["a", "b"],)),
        ((1, 2), (2, 1)),
        ((1,), ("1",)),
        ((0,), (False,)),
        ((None,), ()),
    ],
)
def test_different_parts_give_different_seeds(first: Any, second: Any) -> None:
    assert derive_seed(*first) != derive_seed(*second)


def test_neighbouring_parts_give_unrelated_seeds() -> None:
    n = 4096
    seeds = [derive_seed("run", i) for i in range(n)]
    assert len(set(seeds)) == n
    ones = np.array([[seed >> bit & 1 for bit in range(63)] for seed in seeds]).mean(axis=0)
    # Tolerance: five standard deviations, 0.5 / sqrt(n), of the share of ones of fair bits.
    assert np.abs(ones - 0.5).max() < 5 * 0.5 / math.sqrt(n)


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_seeds_are_the_same_in_every_process(hash_seed: str) -> None:
    code = "from mobo_core.seeding import derive_seed; print(derive_seed('run', {'b': 1, 'a': 2}))"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(result.stdout) == derive_seed("run", {"a": 2, "b": 1})


def test_the_global_generators_are_left_alone() -> None:
    before = random.getstate(), pickle.dumps(np.random.get_state())  # noqa: NPY002
    derive_seed("run", 1)
    after = random.getstate(), pickle.dumps(np.random.get_state())  # noqa: NPY002
    assert after == before
