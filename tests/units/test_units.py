"""A figure as printed contains what was rounded into it, and a column's convention is inferred."""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archcalc.units import (
    CONVENTIONS,
    PLAIN,
    Cell,
    Convention,
    Number,
    PublishedInterval,
    Reading,
    departures,
    human,
    human_bytes,
    infer,
    parse,
    readings,
)

BINARY = Convention(1024)
TRUNCATED = Convention(rounding="truncated")
UP = Convention(rounding="up")


def F(text: str) -> Fraction:  # noqa: N802  (so that a table of expected ends stays readable)
    return Fraction(text)


# ---------------------------------------------------------------------------------------- parsing


@pytest.mark.parametrize(
    ("text", "lo", "hi"),
    [
        ("2.7K", "2650", "2750"),
        ("112K", "111500", "112500"),
        ("9.408k", "9407.5", "9408.5"),
        ("6797.7K", "6797650", "6797750"),
        ("112 K", "111500", "112500"),
        ("34M", "33500000", "34500000"),
        ("1.5G", "1450000000", "1550000000"),
        ("1.5B", "1450000000", "1550000000"),
        ("4.8 Bn", "4750000000", "4850000000"),
        ("5 billion", "4500000000", "5500000000"),
        ("5 Million", "4500000", "5500000"),
        ("3 thousand", "2500", "3500"),
        ("1.2 trillion", "1150000000000", "1250000000000"),
        ("2T", "1500000000000", "2500000000000"),
        ("13.6e6", "13550000", "13650000"),
        ("1.8e9", "1750000000", "1850000000"),
        ("1.90E10", "18950000000", "19050000000"),
        ("2.5e-3", "0.00245", "0.00255"),
        ("1.8×10^9", "1750000000", "1850000000"),
        ("1.8x10^9", "1750000000", "1850000000"),
        ("1.8 × 10^9", "1750000000", "1850000000"),
        ("1.8×10⁹", "1750000000", "1850000000"),
        ("3·10⁻²", "0.025", "0.035"),
        ("253,440", "253439.5", "253440.5"),
        ("1,234,567.8", "1234567.75", "1234567.85"),
        ("340908", "340907.5", "340908.5"),
        ("60,000", "59999.5", "60000.5"),  # all printed digits count: see Published
        ("22", "21.5", "22.5"),
        ("0", "-0.5", "0.5"),
        ("0.72", "0.715", "0.725"),
        (".72", "0.715", "0.725"),
        ("2.78", "2.775", "2.785"),
        ("12x", "11.5", "12.5"),
        ("12×", "11.5", "12.5"),
        ("2.5 x", "2.45", "2.55"),
        ("28%", "0.275", "0.285"),
        ("+30%", "0.295", "0.305"),
        ("-3.45%", "-0.03455", "-0.03445"),
        ("−3.45 %", "-0.03455", "-0.03445"),
        ("1/4", "0.25", "0.25"),
        ("-8/9", "-8/9", "-8/9"),
        ("about 7.6M", "7550000", "7650000"),
        ("About 30%", "0.295", "0.305"),
        ("≈5M", "4500000", "5500000"),
        ("~ 5M", "4500000", "5500000"),
        ("  2.7K ", "2650", "2750"),
    ],
)
def test_every_form_has_its_exact_interval(text: str, lo: str, hi: str) -> None:
    interval = parse(text).interval()
    assert interval == PublishedInterval((F(lo) + F(hi)) / 2, F(lo), F(hi))


@pytest.mark.parametrize(
    ("text", "lo", "hi", "lo_closed", "hi_closed"),
    [
        ("<25M", None, "25000000", False, False),
        ("< 1%", None, "0.01", False, False),
        ("<=1%", None, "0.01", False, True),
        ("≤ 1%", None, "0.01", False, True),
        (">3", "3", None, False, False),
        (">=5x", "5", None, True, False),
        ("≥ 5×", "5", None, True, False),
    ],
)
def test_bounds_end_at_the_printed_value(
    text: str, lo: str | None, hi: str | None, lo_closed: bool, hi_closed: bool
) -> None:
    interval = parse(text).interval()
    assert (interval.lo, interval.hi) == (lo and F(lo), hi and F(hi))
    assert (interval.lo_closed, interval.hi_closed) == (lo_closed, hi_closed)
    end = interval.nominal
    assert interval.contains(end) is (lo_closed or hi_closed)
    assert interval.contains(end - 1) is (lo is None)
    assert interval.contains(end + 1) is (hi is None)


@pytest.mark.parametrize(
    ("text", "convention", "lo", "hi", "closed"),
    [
        ("112K", BINARY, 111.5 * 1024, 112.5 * 1024, (True, True)),
        ("34M", BINARY, 33.5 * 1024**2, 34.5 * 1024**2, (True, True)),
        ("1.5G", BINARY, F("1.45") * 1024**3, F("1.55") * 1024**3, (True, True)),
        ("2T", BINARY, 1.5 * 1024**4, 2.5 * 1024**4, (True, True)),
        ("2B", BINARY, 1500000000, 2500000000, (True, True)),  # nobody's billion is 1024^3
        ("2e9", BINARY, 1500000000, 2500000000, (True, True)),
        ("2 million", BINARY, 1500000, 2500000, (True, True)),
        ("112K", TRUNCATED, 112000, 113000, (True, False)),
        ("112K", Convention(1024, "truncated"), 112 * 1024, 113 * 1024, (True, False)),
        ("112K", UP, 111000, 112000, (False, True)),
        ("-112K", TRUNCATED, -113000, -112000, (False, True)),
        ("-112K", UP, -112000, -111000, (True, False)),
        ("-0", TRUNCATED, -1, 0, (False, True)),
        ("0.72", TRUNCATED, F("0.72"), F("0.73"), (True, False)),
        ("1/4", TRUNCATED, F("1/4"), F("1/4"), (True, True)),
        ("1/4", UP, F("1/4"), F("1/4"), (True, True)),
    ],
)
def test_conventions(
    text: str, convention: Convention, lo: Number, hi: Number, closed: tuple[bool, bool]
) -> None:
    interval = parse(text).interval(convention)
    assert (interval.lo, interval.hi) == (Fraction(lo), Fraction(hi))
    assert (interval.lo_closed, interval.hi_closed) == closed


def test_the_parts_are_kept() -> None:
    figure = parse(" >=-9.40k ")
    assert (figure.text, figure.bound, figure.negative) == (">=-9.40k", ">=", True)
    assert (figure.digits, figure.decimals, figure.kilos) == (F("9.4"), 2, 1)
    assert figure.ulp() == 10
    assert figure.nominal(BINARY) == F("-9.4") * 1024
    assert [parse(t).unit for t in ("12x", "28%", "28")] == ["x", "%", ""]
    assert parse("1/4").decimals is None
    assert hash(figure) == hash(parse(">=-9.40k"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty text is no figure"),
        ("   ", "an empty text is no figure"),
        ("2,7K", "`2,7K` is no figure: commas set off groups of three digits"),
        ("1234,567", "commas set off groups of three digits"),
        ("5Q", "`5Q`: unknown scale `Q`; expected K, M, G"),
        ("29 MB", "unknown scale `MB`"),
        ("5²", "unknown scale `²`"),
        ("1/0", "`1/0` divides by zero"),
        ("4x4x512", "`4x4x512` is no figure; expected one such as 2.7K"),
        ("K", "is no figure"),
        ("<", "is no figure"),
        ("-", "is no figure"),
        ("5.", "is no figure"),
        ("about", "is no figure"),
        ("about5M", "is no figure"),
        ("1.5e9M", "is no figure"),
        ("1e1000", "is no figure"),
        ("--5", "is no figure"),
        ("2 d^2 k^2", "is no figure"),
        ("٣K", "is no figure"),  # an Arabic three: a digit to \d, but not what a paper prints
        ("5\n6", "is no figure"),
        ("9" * 10_000, "9…` is no figure"),
    ],
)
def test_other_text_is_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the message is checked below)
        parse(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 250


@given(
    st.text(max_size=80) | st.text(alphabet="0123456789.,/eExX×*^10⁹⁻−+-%<>=≤≈~KMGTBbn about", max_size=20)
)
@example("1" * 64)
@example("1e999")
@example("0/1")
def test_random_text_is_read_or_refused(text: str) -> None:
    try:
        figure = parse(text)
    except ValueError:
        return
    for convention in CONVENTIONS:
        interval = figure.interval(convention)
        inside = figure.bound not in ("<", ">")
        assert interval.contains(interval.nominal) is inside
        assert interval.distance(interval.nominal) == 0


# -------------------------------------------------------------------------------------- intervals


def printed(value: Fraction, letter: str, decimals: int, convention: Convention) -> str:
    """`value` as a table that follows `convention` prints it: the oracle, apart from `parse`."""
    scale = Fraction(convention.kilo) ** " KMGT".index(letter or " ")
    exact = abs(value) / scale * 10**decimals
    whole, rest = divmod(exact, 1)
    if convention.rounding == "nearest":
        whole += rest >= Fraction(1, 2)
    elif convention.rounding == "up":
        whole += rest > 0
    digits = str(int(whole)).zfill(decimals + 1)
    point = len(digits) - decimals
    number = digits[:point] + ("." + digits[point:] if decimals else "")
    return ("-" if value < 0 else "") + number + letter


@given(
    value=st.fractions(min_value=-(10**15), max_value=10**15, max_denominator=10**4)
    | st.integers(-(10**12), 10**12).map(Fraction),
    letter=st.sampled_from(["", "K", "M", "G", "T"]),
    decimals=st.integers(0, 6),
    convention=st.sampled_from(CONVENTIONS),
)
@example(Fraction(163328), "K", 0, BINARY)  # 159.5 exactly: printed 160K, or 159K in the paper
@example(Fraction(0), "", 0, UP)
def test_an_interval_contains_what_was_rounded_into_it(
    value: Fraction, letter: str, decimals: int, convention: Convention
) -> None:
    interval = parse(printed(value, letter, decimals, convention)).interval(convention)
    assert interval.contains(value)
    assert interval.distance(value) == 0
    ulp = Fraction(convention.kilo) ** " KMGT".index(letter or " ") / 10**decimals
    assert interval.lo is not None
    assert interval.hi is not None
    assert interval.hi - interval.lo == ulp
    assert not interval.contains(value + ulp * F("1.001"))
    assert not interval.contains(value - ulp * F("1.001"))


def test_distance_and_difference() -> None:
    cell = parse("2.7K").interval()
    assert cell.distance(2700) == 0
    assert cell.distance(2750) == 0
    assert cell.distance(9408) == Fraction(9408 - 2750, 2700)
    assert cell.distance(2600) == Fraction(50, 2700)
    assert cell.relative_difference(9408) == Fraction(9408 - 2700, 2700)
    assert cell.relative_difference(2600) == Fraction(-100, 2700)
    below = parse("-3.45%").interval()
    assert below.relative_difference(F("-0.069")) == -1  # below the printed figure: negative
    assert below.distance(0.0) == F("0.03445") / F("0.0345")


def test_nothing_is_a_percentage_of_zero() -> None:
    nothing = parse("0").interval()
    assert nothing.relative_difference(0) == 0
    assert nothing.relative_difference(7) is None
    assert nothing.distance(0) == 0
    assert nothing.distance(7) is None


def test_an_open_end_is_near_but_outside() -> None:
    budget = parse("<25M").interval()
    assert not budget.contains(25_000_000)
    assert budget.distance(25_000_000) == 0
    assert budget.distance(26_000_000) == Fraction(1, 25)
    assert budget.contains(-1)


def test_an_interval_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="NaN"):
        parse("5M").interval().contains(float("nan"))


# --------------------------------------------------------------------------------- human and back


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1582671872, "1.583G"),
        (163328, "163.3K"),
        (64, "64"),
        (0, "0"),
        (999, "999"),
        (1000, "1.000K"),
        (1024, "1.024K"),
        (999_949, "999.9K"),
        (999_950, "1.000M"),  # never 1000.0K
        (999_999_999_999, "1.000T"),
        (-6_998_552, "-6.999M"),
        (163_450, "163.5K"),  # a half goes away from zero, as by hand
        (-163_450, "-163.5K"),
        (Fraction(25, 9), "2.778"),
        (Fraction(64, 1), "64"),
        (Fraction(1, 2), "0.5000"),
        (999.96, "1.000K"),
        (0.00012345678, "0.0001235"),
        (0.000012345678, "1.235e-5"),
        (1.5e15, "1.500e15"),
        (64.0, "64"),
    ],
)
def test_human(value: Number, text: str) -> None:
    assert human(value) == text


def test_human_takes_more_digits_but_not_fewer_than_the_integer_part_needs() -> None:
    assert human(163328, digits=6) == "163.328K"
    assert human(163328, digits=3) == "163K"
    assert human(Fraction(1, 3), digits=40) == "0." + "3" * 40
    with pytest.raises(ValueError, match="digits must be 3 or more, not 2"):
        human(163328, digits=2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_human_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="is not a finite number"):
        human(value)


def test_human_bytes_are_decimal() -> None:
    assert human_bytes(64) == "64 B"
    assert human_bytes(163328) == "163.3 kB"
    assert human_bytes(25_557_032 * 4) == "102.2 MB"
    assert human_bytes(2**30) == "1.074 GB"


@given(
    st.integers(-(10**20), 10**20)
    | st.fractions(max_denominator=10**6)
    | st.floats(allow_nan=False, allow_infinity=False),
    st.integers(3, 12),
)
@example(999_950, 4)
@example(5e-324, 3)
def test_human_reads_back_within_its_digits(value: Number, digits: int) -> None:
    text = human(value, digits)
    assert parse(text).interval().contains(value)
    if abs(Fraction(value)) < 10**15:
        assert abs(parse(text).nominal() / Fraction(10) ** (3 * parse(text).kilos)) < 1000


# -------------------------------------------------------------------------------------- inference

METRICS = ("weights", "params", "macs")


def cell(text: str, **values: Number) -> Cell:
    return parse(text), values


# The params column of GoogLeNet's Table 1, with the weights that its own columns give.
GOOGLENET_PARAMS = [
    cell("2.7K", weights=7 * 7 * 3 * 64),
    cell("112K", weights=114_688),
    cell("159K", weights=163_328),
    cell("380K", weights=388_096),
    cell("364K", weights=375_552),
    cell("437K", weights=448_512),
    cell("463K", weights=509_440),
    cell("580K", weights=604_672),
    cell("840K", weights=867_328),
    cell("1072K", weights=1_042_432),
    cell("1388K", weights=1_442_816),
    cell("1000K", weights=1_024_000),
]
GOOGLENET_BIASES = (64, 256, 368, 640, 624, 648, 664, 704, 1024, 1024, 1264, 1000)
GOOGLENET_OPS = [
    cell(text, macs=macs)
    for text, macs in [
        ("34M", 118_013_952),
        ("360M", 359_661_568),
        ("128M", 128_049_152),
        ("304M", 304_267_264),
        ("73M", 73_608_192),
        ("88M", 87_908_352),
        ("100M", 99_850_240),
        ("119M", 118_515_712),
        ("170M", 169_996_288),
        ("54M", 51_079_168),
        ("71M", 70_697_984),
        ("1M", 1_024_000),
    ]
]


def test_googlenet_params_are_weights_in_units_of_1024() -> None:
    # Only three cells are exact (112K, 1000K, and 159K at a tie); K = 1000 explains none at all.
    got = infer(GOOGLENET_PARAMS, ["weights"])
    assert got.reading == Reading("weights", BINARY)
    assert (got.explained, got.cells, got.plain_explained) == (3, 12, 0)
    assert got.departs
    assert str(got.reading) == "weights, K = 1024, rounded to nearest"


def test_googlenet_params_are_weights_even_where_biases_could_be_counted() -> None:
    with_biases: list[Cell] = [
        (figure, {**values, "params": values["weights"] + biases})
        for (figure, values), biases in zip(GOOGLENET_PARAMS, GOOGLENET_BIASES, strict=True)
    ]
    # Params with K = 1024 and truncation explain the same three cells, by two departures more.
    rival = Reading("params", Convention(1024, "truncated"))
    assert sum(rival.explains(*c) for c in with_biases) == 3
    assert infer(with_biases, ["weights", "params"]).reading == Reading("weights", BINARY)


def test_googlenet_ops_are_plain() -> None:
    got = infer(GOOGLENET_OPS, ["macs"])
    assert got.reading == Reading("macs", PLAIN)
    assert (got.explained, got.cells) == (9, 12)  # not conv1, 4a (73.6M) and 5a
    assert not got.departs


def test_readings_go_from_plain_to_exotic() -> None:
    ordered = readings(["weights", "params"])
    assert len(ordered) == len(set(ordered)) == 12
    assert ordered[0] == Reading("weights", PLAIN)
    counts = [departures(r, ordered[0]) for r in ordered]
    assert counts == sorted(counts)
    assert counts[-1] == 3
    assert departures(Reading("params", BINARY), ordered[0]) == 2
    with pytest.raises(ValueError, match="at least one metric"):
        readings([])
    with pytest.raises(ValueError, match="at least one metric"):
        infer([], ["weights"], [])


def test_one_cell_is_no_evidence_and_two_are() -> None:
    one, other = cell("112K", weights=114_688), cell("1000K", weights=1_024_000)
    assert infer([one], ["weights"]).reading == Reading("weights", PLAIN)
    assert infer([one, other], ["weights"]).reading == Reading("weights", BINARY)


def test_two_departures_need_three_cells() -> None:
    cells = [
        cell("112K", weights=1, params=112 * 1024),
        cell("120K", weights=1, params=120 * 1024),
        cell("130K", weights=1, params=130 * 1024),
    ]
    assert infer(cells[:2], METRICS).reading == Reading("weights", PLAIN)
    assert infer(cells, METRICS).reading == Reading("params", BINARY)


def test_a_repeated_row_is_one_piece_of_evidence() -> None:
    same = [cell("112K", weights=114_688)] * 5
    got = infer(same, ["weights"])
    assert got.reading == Reading("weights", PLAIN)
    assert (got.explained, got.cells) == (0, 5)


def test_bounds_and_approximations_say_nothing_about_rounding() -> None:
    loose = [cell(f"~{n}K", weights=n * 1024) for n in (100, 200, 300)]
    assert not infer(loose, ["weights"]).departs
    bounds = [cell(f"<{n}K", weights=n * 1010) for n in (100, 200, 300)]
    assert not infer(bounds, ["weights"]).departs


def test_a_metric_that_a_row_does_not_have_explains_nothing() -> None:
    assert not Reading("params", PLAIN).explains(parse("5M"), {"weights": 5_000_000})
    assert infer([], ["weights"]).cells == 0


counts = st.integers(1, 10**9)


@given(
    cells=st.lists(
        st.tuples(st.integers(1, 2000), st.sampled_from(["", "K", "M"]), counts, counts), max_size=8
    )
)
def test_a_departure_always_pays(cells: list[tuple[int, str, int, int]]) -> None:
    column = [cell(f"{n}{letter}", weights=w, params=p) for n, letter, w, p in cells]
    got = infer(column, ["weights", "params"])
    if got.departs:
        assert got.explained >= got.plain_explained + 1 + departures(got.reading, got.plain)


@given(st.lists(st.tuples(counts, st.integers(0, 10**6), st.integers(0, 2)), max_size=12))
def test_a_plain_column_is_never_read_otherwise(rows: list[tuple[int, int, int]]) -> None:
    column = [
        cell(printed(Fraction(w), "K", decimals, PLAIN), weights=w, params=w + b, macs=w * 196)
        for w, b, decimals in rows
    ]
    got = infer(column, METRICS)
    assert not got.departs
    assert got.explained == got.cells


@given(
    metric=st.sampled_from(METRICS),
    convention=st.sampled_from(CONVENTIONS),
    noise=st.integers(0, 8),
    seed=st.integers(0, 2**32),
)
def test_a_planted_convention_is_recovered(
    metric: str, convention: Convention, noise: int, seed: int
) -> None:
    rng = random.Random(seed)
    column: list[Cell] = []
    for row in range(32):
        weights = rng.randrange(20_000, 3_000_000)
        values: Mapping[str, Number] = {
            "weights": weights,
            "params": weights + weights * rng.randrange(20, 40) // 1000,
            "macs": weights * rng.choice([49, 196, 784]),
        }
        true = Fraction(values[metric])
        if row < noise:  # a misprint: another layer than the one that the columns describe
            true *= Fraction(rng.randrange(105, 300), 100)
        text = printed(true, "K", rng.choice([0, 1]), convention)
        column.append((parse(text), values))
    rng.shuffle(column)
    got = infer(column, METRICS)
    assert got.reading == Reading(metric, convention)
    assert got.explained >= 32 - noise
