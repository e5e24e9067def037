import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from standoff.errors import UserError
from standoff.estimate import checks
from standoff.estimate.covariance import sandwich, with_covariance
from standoff.estimate.effects import thetas, typical
from standoff.estimate.equilibria import enumerate_all
from standoff.estimate.estimation import Settings, estimate
from standoff.estimate.expressions import FormulaError, columns_of
from standoff.estimate.fit import Fit
from standoff.estimate.formulas import COUNTS, PAYOFFS, Formulas, build, read_formulas
from standoff.estimate.learner import SignalingGame
from standoff.estimate.maximum_fit import _edges
from standoff.estimate.played import Chances, equilibria_told, log_chances, play, weights
from standoff.estimate.private import private_types
from standoff.estimate.table import as_table, read_table
from standoff.estimate.tables import to_latex, to_markdown

SIGINT = Path(__file__).parents[2] / "shared" / "reference" / "sigint"
SIMPLE = {"SA": "0", "VA": "1", "CB": "0", "barWA": "1", "barWB": "1 + x", "bara": "1", "VB": "1"}
UNIQUE = np.array([1.0, -1.8, -2.45, 0.1, -1.2, 1.0])
MULTIPLE = np.array([1.0, -1.9, -2.9, 0.1, -1.2, 1.0])


def formulas(**terms):
    return Formulas({key: terms.get(key, "0") for key in PAYOFFS})


def table(games=30, seed=1, **columns):
    rng = np.random.default_rng(seed)
    base = {"x": rng.uniform(size=games), "z": rng.normal(size=games)}
    base |= {name: rng.integers(1, 9, games) for name in COUNTS}
    return as_table(base | columns, "games.csv")


def fitted(theta=UNIQUE, games=30, seed=1, covariance=1e-3, more=None):
    """A fit at given coefficients, without estimation."""
    design = build(table(games, seed, **(more or {})), Formulas(SIMPLE))
    payoffs = design.payoffs(theta)
    played = play(payoffs, "likely", design.counts)
    return Fit(
        "signaling", "ml", design.names, np.array(theta), covariance * np.eye(len(theta)), -123.4, games,
        equilibria=equilibria_told(played), design=design, observations=int(design.counts.sum()), selection="likely",
        probabilities=Chances("likely", design.mark, played.probit),
    )  # fmt: skip


def test_the_folder_names_all_its_files_in_reading_order():
    from standoff import estimate

    files = {path.stem for path in Path(estimate.__file__).parent.iterdir() if not path.name.startswith("_")}
    assert set(re.findall(r"`(\w+)`", estimate.__doc__)) == files


# Tables


def test_formats_hold_the_same_table(tmp_path):
    frame = pl.DataFrame({"a": [1, 2], "b": [0.5, None], "c": ["p", "q"]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "t.tsv", separator="\t")
    frame.write_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.tsv", "t.parquet"):
        found = read_table(tmp_path / name)
        assert found.columns == ["a", "b", "c"]
        assert found.numbers("a").tolist() == [1, 2]
        assert np.isnan(found.numbers("b")).tolist() == [False, True]
        assert found.text("c")
        assert not found.text("b")


@pytest.mark.parametrize("missing", ["", "NA", "NaN", ".", "NULL"])
def test_missing_values(tmp_path, missing):
    (tmp_path / "t.csv").write_text(f"a,b\n1,{missing}\n2,3\n")
    assert np.isnan(read_table(tmp_path / "t.csv").numbers("b")[0])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"", "file is empty"),
        ("t.csv", b"a,b\n", "no row"),
        ("t.csv", b"a,a\n1,2\n", ":1: there are two columns 'a'"),
        ("t.csv", b"a,\n1,2\n", ":1: column 2 has no name"),
        ("t.csv", b"a,b\n1,2,3\n", "as many cells as the header"),
        ("t.csv", b"a,b\xff\n1,2\n", "not UTF-8"),
        ("t.csv", b"a,b\n1,\xff\xfe\n", "UTF-8"),
        ("t.xlsx", b"PK", "CSV, TSV or parquet"),
        ("t.parquet", b"nothing of the kind", "cannot be read as a table"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        read_table(tmp_path / name)


def test_a_table_must_be_a_plain_file(tmp_path):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(UserError, match="not a plain file"):
        read_table(tmp_path / "d.csv")
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_table(tmp_path / "none.csv")


def test_a_cell_that_is_no_number_is_told_by_line_and_column(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n2,two\n")
    with pytest.raises(UserError, match=r"t.csv:3, column 'b': 'two' is no number"):
        read_table(tmp_path / "t.csv").numbers("b")


def test_blanks_around_numbers_are_no_text_and_the_faulty_cell_is_the_one_told(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\n 1,2, \n3, NA ,1_000\n")
    found = read_table(tmp_path / "t.csv")
    assert found.numbers("a").tolist() == [1, 3]
    assert np.isnan(found.numbers("b")).tolist() == [False, True]
    assert not found.text("a")
    with pytest.raises(UserError, match=r"t.csv:3, column 'c': '1_000' is no number"):
        found.numbers("c")
    assert as_table({"a": ["1", " 2 ", None]}).numbers("a")[:2].tolist() == [1, 2]


def test_a_column_that_is_not_there_has_a_like_name_told():
    with pytest.raises(UserError, match=r"no column 'contg'.*Did you mean contig"):
        as_table({"contig": [1]}).require("contg")


# Formulas


REFUSED = [
    "__import__('os').system('true')", "x.__class__", "x[0]", "log(x).real", "np.log(x)", "{x}", "x ~ z", "x | z",
    "lambda: x", "exec(x)", "eval(x)", "Q('x')", "C(x, contr.sum)", "x == 1", "1 if x else 0", "log(x; z)", "_x",
    "log(9**9**9**9)", "I((9)**9)", "I(x**99)", "x**9", "1 + 2", "", "log(", "x:", "(x", "x z", "log(x)(z)", "@x",
    "`a'b`", "`__import__('os')`", "poly(x, degree=99)", "x" * 5000, "(" * 50 + "x" + ")" * 50, "x\\z", "x and z",
    '"x"',
    "f(x)", "open(x)", "*".join(f"c{k}" for k in range(40)), "(" + "+".join(f"c{k}" for k in range(200)) + ")^3",
    "lag(x)", "bs(x)", "None", "True",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_formulas_that_are_refused(text):
    began = time.perf_counter()
    with pytest.raises(FormulaError):
        columns_of(text)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("text", "columns", "terms"),
    [
        ("0", [], []),
        ("1", [], ["(Intercept)"]),
        ("x", ["x"], ["(Intercept)", "x"]),
        ("0 + x + z", ["x", "z"], ["x", "z"]),
        ("-1 + sqrt(x)", ["x"], ["sqrt(x)"]),
        ("x*z - 1", ["x", "z"], ["x", "z", "x:z"]),
        ("0 + x:z + I(x**2)", ["x", "z"], ["I(x ** 2)", "x:z"]),
        ("0 + log(x + 1)", ["x"], ["log(x + 1)"]),
        ("0 + (x + z)^2", ["x", "z"], ["x", "z", "x:z"]),
        ("0 + minimum(x, 0.5)", ["x"], ["minimum(x, 0.5)"]),
    ],
)
def test_formulas_that_are_taken(text, columns, terms):
    assert columns_of(text)[0] == columns
    design = build(table(), formulas(VA=text, bara="1"))
    assert [n for n in design.names if n.startswith("VA")] == [f"VA:{term}" for term in terms]


def test_code_in_a_formula_file_does_not_run(tmp_path):
    mark = tmp_path / "ran"
    for text in (f"__import__('pathlib').Path('{mark}').touch()", f"{{open('{mark}', 'w')}}"):
        (tmp_path / "f.yaml").write_text("".join(f'{key}: "{text}"\n' for key in PAYOFFS))
        with pytest.raises(UserError, match="may not stand in a formula"):
            read_formulas(tmp_path / "f.yaml")
    (tmp_path / "f.yaml").write_text(f"SA: !!python/object/apply:os.system ['touch {mark}']\n")
    with pytest.raises(UserError):
        read_formulas(tmp_path / "f.yaml")
    columns = {f"__import__('pathlib').Path('{mark}').touch()": np.ones(30)}
    with pytest.raises(UserError, match="has a name that no formula can take"):
        build(table(**columns), formulas(VA=f"`{next(iter(columns))}`"))
    assert not mark.exists()


def test_a_column_with_the_name_of_a_function_is_a_column():
    design = build(table(log=np.arange(30.0)), formulas(VA="0 + log"))
    assert design.blocks[1][:, 0].tolist() == list(range(30))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("SA: 0\nVA: 1\n", "no formula for CB"),
        ("SA: 0\nQQ: 1\n", r"f.yaml:2: 'QQ' is no key"),
        ("SA: [1, 2]\n", r"f.yaml:1: SA is no formula"),
        ("- SA\n", "maps payoffs to formulas"),
        ('SA: "0\n', r"f.yaml:\d: this is no YAML"),
        ("SA: 7\n", "SA is no formula"),
        ("SA: true\n", "SA is no formula"),
        ("".join(f"{k}: 1\n" for k in PAYOFFS) + "counts: {up: a}\n", r"f.yaml:8: counts maps"),
        ("SA: 0\nVA: x.y\n", r'f.yaml:2: VA: "x.y": .* may not stand'),
        (
            "".join(f"{k}: 1\n" for k in PAYOFFS) + "counts: {sq: cd}\n",
            r"f.yaml:8: sq and cd are counted in one column",
        ),
    ],
)
def test_formula_files_that_are_refused(tmp_path, content, said):
    (tmp_path / "f.yaml").write_text(content)
    with pytest.raises(UserError, match=said):
        read_formulas(tmp_path / "f.yaml")


def test_counts_belong_to_the_signaling_game(tmp_path):
    (tmp_path / "f.yaml").write_text("u: 1\ncounts: {sq: quiet}\n")
    with pytest.raises(UserError, match="'counts' is no key of this file"):
        read_formulas(tmp_path / "f.yaml", ("u",))


def test_counts_by_other_names(tmp_path):
    (tmp_path / "f.yaml").write_text("".join(f"{k}: 1\n" for k in PAYOFFS) + "counts: {sq: quiet}\n")
    found = read_formulas(tmp_path / "f.yaml")
    assert found.counts == {"sq": "quiet", "cd": "cd", "sf": "sf", "bd": "bd"}
    design = build(table(quiet=np.arange(30) + 1), found)
    assert design.counts[:, 0].tolist() == list(range(1, 31))


def test_rows_with_missing_values_are_left_out_aloud():
    x = np.linspace(0.1, 1, 30)
    x[[3, 7]] = np.nan
    design = build(table(x=x, z=[None, *range(29)]), formulas(VA="x + z"))
    assert len(design) == 27
    assert design.rows.tolist() == [k for k in range(30) if k not in (0, 3, 7)]
    assert design.notes == ("3 of 30 rows are left out, because a value is missing: x in 2, z in 1.",)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"sq": [1.5] * 30}, r"row 1, column 'sq': 1.5 is no count"),
        ({"sq": [-1] * 30}, "-1 is no count"),
        ({"sq": [1e300] * 30}, r"1e\+300 is no count. .* at most 9.0"),
        ({"sq": [np.inf] * 30}, "inf is no count"),
        ({"x": [-1.0, *range(29)]}, r"row 1: VA: sqrt\(x\) is not finite"),
        ({"x": ["a"] * 30}, r"'a' is no number.*write C\(x\)"),
        ({name: [0] * 30 for name in COUNTS}, "every game has counts of 0"),
        ({"x": [None] * 30}, "no row has a value"),
    ],
)
def test_designs_that_cannot_be_made(columns, said):
    with pytest.raises(UserError, match=said):
        build(table(**columns), formulas(VA="sqrt(x)"))


def test_a_table_of_challenges_needs_no_quiet():
    frame = table().frame.drop("sq")
    with pytest.raises(UserError, match="no column 'sq'"):
        build(as_table(frame), formulas(VA="1"))
    assert (build(as_table(frame), formulas(VA="1"), given_challenge=True).counts[:, 0] == 0).all()


def test_terms_remember_the_data_of_the_fit():
    kinds = np.array(["p", "q", "r"] * 10)
    design = build(table(kind=kinds), formulas(VA="0 + scale(x)", bara="1 + C(kind)"))
    other = design.on(table(5, x=np.full(5, 0.5), kind=np.array(["q"] * 5)))
    x = design.table.numbers("x")
    assert other.blocks[1][0, 0] == pytest.approx((0.5 - x.mean()) / x.std(ddof=1))
    assert other.blocks[5][0].tolist() == [1, 1, 0]
    with pytest.raises(UserError, match="cannot be made"):
        design.on(table(5, kind=np.array(["new"] * 5)))


def test_pull_is_the_derivative_of_the_payoffs():
    design = build(table(), formulas(SA="0 + x", VA="1 + z", VB="x*z"))
    gradient = np.random.default_rng(0).normal(size=(30, 7))
    theta = np.arange(1.0, len(design.names) + 1)
    for k in range(len(theta)):
        up = theta.copy()
        up[k] += 1
        change = ((design.payoffs(up) - design.payoffs(theta)) * gradient).sum(axis=1)
        assert design.pull(gradient)[:, k] == pytest.approx(change)


# Checks


def test_a_column_of_zeros_is_named():
    lost, said = checks.before(build(table(ally=np.zeros(30)), formulas(SA="0 + ally", VA="1", barWA="1", barWB="1")))
    assert lost == ("SA:ally",)
    assert "SA:ally is 0 in every game" in said[0]


@pytest.mark.parametrize(
    ("terms", "lost"),
    [
        ({"SA": "1", "VA": "1", "barWA": "1", "bara": "1", "barWB": "1"}, 4),
        ({"CB": "1", "barWB": "1", "VB": "1", "VA": "1"}, 3),
        ({"SA": "0 + x", "VA": "0 + x", "barWA": "0 + x", "bara": "0 + x"}, 4),
        ({"SA": "1", "VA": "1", "barWA": "1", "barWB": "1"}, 0),
        ({"VA": "0 + x + twice", "barWB": "1"}, 2),
    ],
)
def test_payoffs_that_cannot_be_told_apart(terms, lost):
    data = table()
    data = data.with_column("twice", 2 * data.numbers("x"))
    found, said = checks.before(build(data, formulas(**terms)))
    assert len(found) == lost
    assert any("cannot tell these coefficients apart" in sentence for sentence in said) == (lost > 0)


def test_the_dependence_is_told_as_a_sum():
    data = table()
    data = data.with_column("twice", 2 * data.numbers("x"))
    _, said = checks.before(build(data, formulas(VA="0 + x + twice", barWB="1")))
    assert "VA:x - 0.5 VA:twice" in said[0]


def test_what_is_lost_changes_no_chance():
    design = build(table(), formulas(SA="1", VA="1", barWA="1", bara="1", barWB="1"))
    theta = np.array([-0.5, 1.0, -1.5, -0.4, -0.9])
    move = np.array([0.7, 0.7, 0.7, 0.0, 0.7])
    one, two = (play(design.payoffs(t), "smallest").chances["sf"] for t in (theta, theta + move))
    assert one == pytest.approx(two, abs=1e-10)


def test_few_and_missing_outcomes_are_told():
    zeros = np.zeros(30, dtype=int)
    _, said = checks.before(build(table(sf=zeros, bd=[1, *zeros[1:]]), formulas(VA="1")))
    assert any("standing firm (sf) never occurs" in sentence for sentence in said)
    assert any("backing down (bd) occurs 1 times only" in sentence for sentence in said)


def test_a_table_without_quiet_is_told_unless_it_is_of_challenges():
    design = build(table(sq=np.zeros(30, dtype=int)), formulas(VA="1"))
    assert any("use --given-challenge" in sentence for sentence in checks.before(design)[1])
    assert not any("never occurs" in sentence for sentence in checks.before(design, given_challenge=True)[1])


def test_few_outcomes_are_those_of_the_signaling_game_alone():
    """Other games with four outcomes have no concession."""
    design = build(table(sf=np.zeros(30)), formulas(VA="1"))
    four = replace(design, keys=("u11", "u12", "u13", "u14", "u22", "u24", "log_sd"))
    assert checks.before(four, np.eye(7))[1] == ()


def test_a_flat_direction_takes_its_standard_errors_and_no_others():
    hessian = -np.array([[2.0, 2.0, 0.3], [2.0, 2.0, 0.3], [0.3, 0.3, 4.0]])
    covariance, lost, said = checks.information(hessian, ("a", "b", "c"))
    assert lost == ("a", "b")
    assert np.isnan(covariance[:2]).all()
    assert np.isfinite(covariance[2, 2])
    reduced = np.linalg.inv(-hessian[1:, 1:])[1, 1]
    assert covariance[2, 2] == pytest.approx(reduced)
    assert "flat in a, b" in said[0]


def test_coefficients_that_move_together_in_two_flat_directions_are_all_lost():
    """V_A, W_A and a up to c, and W_B and V_B up to B's reply: five constants of which the data tell three numbers."""
    hessian = np.array([
        [-359.8361418472, 1614.9141180835, 1227.1077166265, -2823.5946910408, 520.1867656813],
        [1614.9141180835, -8405.1022831884, -5855.3032233141, 13829.5590196093, -2482.1381654266],
        [1227.1077166265, -5855.3032233141, -4361.1214364707, 9977.1276272151, -1848.7355478917],
        [-2823.5946910408, 13829.5590196093, 9977.1276272151, -23313.9434774227, 4229.4326175112],
        [520.1867656813, -2482.1381654266, -1848.7355478917, 4229.4326175112, -783.7028103497],
    ])  # fmt: skip
    covariance, lost, _ = checks.information(hessian, ("VA", "barWA", "barWB", "bara", "VB"))
    assert lost == ("VA", "barWA", "barWB", "bara", "VB")
    assert np.isnan(covariance).all()


def test_where_nothing_is_learnt_nothing_is_known():
    covariance, lost, said = checks.information(np.zeros((2, 2)), ("a", "b"))
    assert lost == ("a", "b")
    assert np.isnan(covariance).all()
    assert said == ("The log-likelihood is flat in a, b: they have no standard error.",)


def test_a_saddle_has_no_standard_errors():
    covariance, _, said = checks.information(np.diag([-1.0, 2.0]), ("a", "b"))
    assert np.isnan(covariance).all()
    assert "no maximum" in said[0]


def test_a_ridge_is_named():
    hessian = -np.array([[1.0, 0.9999, 0], [0.9999, 1.0, 0], [0, 0, 1.0]])
    covariance, lost, said = checks.information(hessian, ("a", "b", "c"))
    assert lost == ()
    assert covariance == pytest.approx(np.linalg.inv(-hessian))
    assert "ridge along a - b" in said[0]


def test_a_coefficient_that_ran_off_is_named():
    design = build(table(), formulas(VA="1 + x"))
    said = checks.after(design, np.array([1.0, -90.0]), np.array([0.1, 400.0]))
    assert len(said) == 1
    assert "VA:x has run off to -90" in said[0]


def test_a_coefficient_that_nothing_holds_is_named_though_its_climb_ended_early():
    """Where an outcome never occurs with a rare class the likelihood is flat from 6 or so on: no climb goes further."""
    rare = np.array([1.0] * 3 + [0.0] * 27)
    design = build(table(rare=rare), formulas(VA="1 + rare"))
    said = checks.after(design, np.array([1.0, -7.4]), np.array([0.1, 12_000.0]))
    assert len(said) == 1
    assert "VA:rare has a standard error of 1.2e+04, so nothing holds it at -7.4" in said[0]
    assert checks.after(design, np.array([1.0, -7.4]), np.array([0.1, 3.0])) == ()


# Covariance


def scored(games=40, seed=2):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(games, 6))
    fit = fitted(games=games, more={"pair": np.arange(games) // 2})
    return replace(fit, scores=scores, hessian=-scores.T @ scores - np.eye(6))


def test_kinds_of_covariance():
    fit = scored()
    s, h = fit.scores, np.linalg.inv(fit.hessian)
    assert with_covariance(fit, "hessian").covariance == pytest.approx(-h)
    assert with_covariance(fit, "opg").covariance == pytest.approx(np.linalg.inv(s.T @ s))
    assert with_covariance(fit, "robust").covariance == pytest.approx(h @ s.T @ s @ h)
    pairs = s[::2] + s[1::2]
    clustered = with_covariance(fit, "cluster:pair")
    assert clustered.covariance == pytest.approx(20 / 19 * h @ pairs.T @ pairs @ h)
    assert "clustered by pair" in clustered.summary()


def test_the_outer_product_has_the_precision_of_a_penalty():
    """With scores that say nothing the penalty is all there is; a mixture's log-odds have none."""
    fit = replace(scored(), options={"penalty": 2.0})
    s = fit.scores
    assert with_covariance(fit, "opg").covariance == pytest.approx(np.linalg.inv(s.T @ s + np.eye(6) / 4))
    nothing = replace(fit, scores=np.zeros_like(s))
    assert with_covariance(nothing, "opg").covariance == pytest.approx(4 * np.eye(6))
    mixed = replace(
        fit, names=(*fit.names, "mixture:middle", "mixture:largest"), scores=np.hstack([s, s[:, :2] + s[:, 2:4]]),
        estimate=np.zeros(8),
    )  # fmt: skip
    whole = mixed.scores.T @ mixed.scores + np.diag([0.25] * 6 + [0.0] * 2)
    assert with_covariance(mixed, "opg").covariance == pytest.approx(np.linalg.inv(whole))


def test_a_fit_that_lacks_what_a_covariance_needs_says_what_to_do():
    fit = replace(scored(), hessian=None, refit=None)
    for kind in ("robust", "hessian", "bootstrap:2"):
        with pytest.raises(UserError, match="Ask for the covariance when you estimate"):
            with_covariance(fit, kind)


def test_a_sandwich_of_what_is_flat_but_for_rounding_has_no_standard_errors():
    """Six coefficients of rank five, of which an inverse would make numbers in the millions."""
    fit = scored()
    column = np.random.default_rng(0).normal(size=(5, 6))
    flat = replace(fit, hessian=-column.T @ column + 1e-13 * np.diag(np.arange(6.0)))
    with pytest.raises(np.linalg.LinAlgError):
        sandwich(flat.hessian, flat.scores)
    found = with_covariance(flat, "robust")
    assert np.isnan(found.se).all()
    assert any("curvature cannot be inverted" in w for w in found.warnings)
    # Units do not matter: a column measured in millions is none that is flat.
    unit = np.diag([1e6, 1, 1, 1, 1, 1e-6])
    assert sandwich(unit @ fit.hessian @ unit, fit.scores @ unit) == pytest.approx(
        np.linalg.inv(unit) @ sandwich(fit.hessian, fit.scores) @ np.linalg.inv(unit)
    )


def test_draws_of_a_bootstrap_do_not_outlive_its_covariance():
    fit = replace(scored(), refit=lambda design, start: (start + design.table.numbers("x").mean(), True))
    drawn = with_covariance(fit, "bootstrap:5")
    assert drawn.draws is not None
    again = with_covariance(drawn, "robust")
    assert again.draws is None
    assert np.cov(thetas(again, 20_000).T) == pytest.approx(again.covariance, abs=0.05 * again.covariance.max())


def test_each_game_twice_in_its_cluster_counts_once():
    fit = scored(20)
    twice = np.repeat(fit.scores / 2, 2, axis=0)
    one = sandwich(fit.hessian, fit.scores, np.arange(20))
    two = sandwich(fit.hessian, twice, np.repeat(np.arange(20), 2))
    assert one == pytest.approx(two)


@pytest.mark.parametrize("kind", ["cluster", "bootstrap:1", "bootstrap:x", "robust:x", "nothing", "cluster:none"])
def test_covariances_that_are_not(kind):
    with pytest.raises(UserError):
        with_covariance(scored(), kind)


def test_few_clusters_are_told():
    fit = scored()
    fit = replace(fit, design=replace(fit.design, table=fit.design.table.with_column("pair", np.arange(40) % 5)))
    assert any("5 clusters for 6 coefficients" in w for w in with_covariance(fit, "cluster:pair").warnings)


def test_bootstrap_goes_on_from_where_it_stopped(tmp_path):
    calls = []

    def refit(design, start):
        calls.append(len(design))
        return start + design.table.numbers("x").mean(), len(calls) != 2

    fit, keep = replace(fitted(), refit=refit), tmp_path / "b.jsonl"
    with_covariance(fit, "bootstrap:6", keep=keep)
    assert len(calls) == 6
    keep.write_text(keep.read_text() + "[6, [1.0,")
    again = with_covariance(fit, "bootstrap:10", keep=keep)
    assert len(calls) == 10
    assert again.draws.shape == (9, 6)
    assert any("Of 10 bootstrap fits 1 did not converge" in w for w in again.warnings)
    whole = with_covariance(replace(fit, refit=lambda d, s: (s + d.table.numbers("x").mean(), True)), "bootstrap:10")
    kept = [k for k in range(10) if k != 1]
    assert again.draws == pytest.approx(whole.draws[kept])
    with_covariance(fit, "bootstrap:10", keep=keep, seed=2)
    assert len(calls) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["b.jsonl"]


@pytest.mark.parametrize("other", [{"selection": "weighed"}, {"method": "pl"}, {"options": {"penalty": 2.0}}])
def test_draws_of_another_fit_with_the_same_estimate_are_not_gone_on_from(tmp_path, other):
    calls = []

    def refit(design, start):
        calls.append(len(design))
        return start + design.table.numbers("x").mean(), True

    fit = replace(fitted(), refit=refit)
    with_covariance(fit, "bootstrap:3", keep=tmp_path / "b.jsonl")
    with_covariance(fit, "bootstrap:3", keep=tmp_path / "b.jsonl")
    assert len(calls) == 3
    with_covariance(replace(fit, **other), "bootstrap:3", keep=tmp_path / "b.jsonl")
    assert len(calls) == 6


# The fit


def test_aic_and_bic_have_the_right_sign():
    fit = fitted()
    assert fit.aic == pytest.approx(2 * 6 + 2 * 123.4)
    assert fit.bic == pytest.approx(6 * np.log(30) + 2 * 123.4)
    path = SIGINT / "peer_fits.json"
    if not path.is_file():
        pytest.skip("the reference fits are not beside the repository (../shared/reference/sigint)")
    for one in json.loads(path.read_text())["fits"].values():
        if one.get("failed"):
            continue
        k, value = one["n_par"], one["loglik"]
        found = replace(fit, names=("a",) * k, log_likelihood=value)
        assert found.aic == pytest.approx(one["aic_correct"])
        assert found.aic - one["aic_reported"] == pytest.approx(4 * k)


def test_a_coefficient_that_is_not_identified_has_no_number():
    fit = fitted()
    covariance = fit.covariance.copy()
    covariance[1] = covariance[:, 1] = np.nan
    fit = replace(fit, covariance=covariance)
    assert fit.as_dict()["coefficients"]["barWA:(Intercept)"] == {"estimate": -1.8, "se": None}
    assert "not identified" in fit.summary()
    assert "not identified" in fit.to_markdown()
    json.dumps(fit.as_dict(), allow_nan=False)


def test_what_is_held_at_0_is_no_parameter():
    fit = fitted()
    theta, covariance = fit.estimate.copy(), fit.covariance.copy()
    theta[3] = 0.0
    assert replace(fit, estimate=theta).parameters == 6
    covariance[3] = covariance[:, 3] = np.nan
    assert replace(fit, covariance=covariance).parameters == 6
    held = replace(fit, estimate=theta, covariance=covariance)
    assert held.parameters == 5
    drawn = np.where(np.isfinite(covariance), covariance, 0.0)  # of a bootstrap, each draw of which held it
    assert replace(held, covariance=drawn).parameters == 5
    flat = -np.eye(6)
    flat[:3, :3] = -1.0  # two directions in which three coefficients make up for one another
    assert replace(fit, hessian=flat).parameters == 4
    assert held.aic == pytest.approx(2 * 5 + 2 * 123.4)
    assert held.bic == pytest.approx(5 * np.log(30) + 2 * 123.4)


def test_a_fit_that_did_not_converge_is_not_called_unidentified():
    fit = replace(fitted(covariance=np.nan), status="not converged")
    for text in (fit.summary(), fit.to_markdown(), fit.to_latex()):
        assert "no standard error" in text
        assert "not identified" not in text
    assert "not identified" in replace(fit, status="unidentified").summary()


def test_tables_escape_and_compare():
    one, two = fitted(), replace(fitted(), method="npl", names=("VA:a_b*c", "barWA:(Intercept)", "x", "y", "z", "w"))
    latex, markdown = to_latex([one, two]), to_markdown([one, two])
    assert r"VA:a\_b*c" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 1
    rows = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert all(line.count("&") == 2 for line in rows if "multicolumn" not in line)
    assert r"VA:a\_b\*c" in markdown
    body = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {line.count("|") - line.count(r"\|") for line in body} == {4}


def test_a_saved_fit_predicts_the_same(tmp_path):
    fit = fitted(MULTIPLE)
    path = fit.save(tmp_path / "fit.json")
    again = Fit.load(path)
    assert again.coefficients == fit.coefficients
    assert again.covariance == pytest.approx(fit.covariance)
    for name, chance in fit.predict().chances.items():
        assert again.predict()[name] == pytest.approx(chance)
    told = json.loads(path.read_text())
    assert told["schema"] == "standoff-fit/1"
    assert set(told["population"]["payoffs"]) == set(PAYOFFS)
    assert np.array(told["population"]["covariance"]).shape == (7, 7)
    assert 0 < told["population"]["p_firm"] < 1


def test_the_typical_game_is_of_a_class_that_there_is(tmp_path):
    """Between the classes 1 and 2 there is none, though their median is 1.5."""
    design = build(table(kind=[1] * 15 + [2] * 15), Formulas(SIMPLE | {"barWB": "1 + C(kind)"}))
    fit = replace(
        fitted(), design=design, names=design.names, probabilities=Chances("smallest", design.mark, np.zeros(30))
    )
    assert typical(design)["kind"] == 1
    told = json.loads(fit.save(tmp_path / "fit.json").read_text())
    assert told["population"]["at"] == {"kind": 1}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "standoff-fit/1"}', '{"schema": 3}', "[" * 100_000])
def test_files_that_are_no_fit(tmp_path, content):
    (tmp_path / "fit.json").write_text(content)
    with pytest.raises(UserError, match="no fit of this version"):
        Fit.load(tmp_path / "fit.json")


# Equilibria that are played


def test_selection():
    design = build(table(), Formulas(SIMPLE))
    payoffs = design.payoffs(MULTIPLE)
    found = enumerate_all(payoffs)
    assert (found.count == 3).all()
    assert weights(payoffs, found, "smallest")[:, 0].all()
    assert weights(payoffs, found, "largest")[:, 2].all()
    assert weights(payoffs, found, "likely") == pytest.approx(np.array([[0.5, 0, 0.5]] * 30))
    shares = np.array([0.2, 0.5, 0.3])
    assert weights(payoffs, found, "mixture", shares=shares) == pytest.approx(np.array([shares] * 30))
    logs = log_chances(payoffs, found.probit)
    counts = np.round(1000 * np.exp(logs[np.arange(30), np.arange(30) % 3]))
    assert np.argmax(weights(payoffs, found, "likely", counts), axis=1).tolist() == [k % 3 for k in range(30)]


def test_chances_sum_to_one():
    chances = play(
        build(table(), Formulas(SIMPLE)).payoffs(MULTIPLE), "mixture", shares=np.array([0.2, 0.5, 0.3])
    ).chances
    assert sum(chances[name] for name in COUNTS) == pytest.approx(np.ones(30))
    assert chances["p_C"] * chances["p_R"] * chances["p_F"] == pytest.approx(chances["sf"])


# Effects


def test_marginal_effects_are_those_of_a_small_step():
    fit = fitted()
    effect = fit.marginal_effects("x")
    now, later = (
        play(
            fit.design.on(fit.design.table.with_column("x", fit.design.table.numbers("x") + h)).payoffs(UNIQUE),
            "smallest",
        )
        for h in (0.0, 1e-3)
    )
    for name, value in zip(effect.names, effect.value, strict=True):
        assert value == pytest.approx((later.chances[name] - now.chances[name]).mean() / 1e-3, rel=2e-2, abs=1e-6)
    assert effect.value[list(effect.names).index("p_R")] > 0


def test_delta_and_simulation_agree():
    fit = fitted(covariance=1e-8)
    delta, simulated = (fit.marginal_effects("x", interval=way, draws=100) for way in ("delta", "simulation"))
    assert simulated.se == pytest.approx(delta.se, rel=0.3)  # 100 draws: 4 standard errors of a standard error are 28%


def test_effects_of_a_bootstrap_are_asked_for_as_others_are():
    """Its draws serve for simulation; `delta` has its covariance and `none` is none."""
    fit = fitted()
    draws = fit.estimate + 1e-5 * np.random.default_rng(0).standard_normal((50, 6))
    drawn = replace(fit, draws=draws, covariance=np.cov(draws.T), covariance_kind="bootstrap")
    plain = replace(drawn, draws=None)
    delta, same = (one.marginal_effects("x") for one in (drawn, plain))
    assert delta.se == pytest.approx(same.se, rel=1e-9)
    assert delta.low + delta.high == pytest.approx(2 * delta.value)
    assert np.isnan(drawn.marginal_effects("x", interval="none").se).all()
    simulated = drawn.marginal_effects("x", interval="simulation")
    assert simulated.se == pytest.approx(delta.se, rel=0.1)
    assert simulated.se != pytest.approx(delta.se, rel=1e-6)
    with pytest.raises(UserError, match="'tea' is no interval"):
        drawn.marginal_effects("x", interval="tea")


def test_effects_have_intervals_where_they_hang_on_no_coefficient_without_one():
    """A column of zeros moves nothing; a constant of W_B moves all but what A does at a given reply."""
    design = build(table(ally=np.zeros(30)), Formulas(SIMPLE | {"SA": "0 + ally"}))
    theta = np.concatenate([[0.0], UNIQUE])
    chances = Chances("smallest", design.mark, play(design.payoffs(theta), "smallest").probit)
    covariance = 1e-3 * np.eye(7)
    covariance[0] = covariance[:, 0] = np.nan
    fit = replace(
        fitted(), names=design.names, estimate=theta, covariance=covariance, design=design, probabilities=chances
    )
    found, whole = fit.marginal_effects("x"), fitted().marginal_effects("x")
    assert found.se == pytest.approx(whole.se, rel=1e-6)
    assert found.note == ""
    lost = covariance.copy()
    lost[3] = lost[:, 3] = np.nan
    unknown = replace(fit, covariance=lost).marginal_effects("x")
    assert np.isnan(unknown.se).all()
    assert "no standard error, so what hangs on them has no interval" in unknown.note
    assert "nan" not in "".join(unknown.lines())


def test_columns_of_classes_have_no_small_change_though_classes_be_numbers():
    design = build(table(kind=np.arange(30.0) % 2), Formulas(SIMPLE | {"barWB": "1 + C(kind)"}))
    fit = replace(fitted(), design=design, probabilities=Chances("smallest", design.mark, np.zeros(30)))
    for ask in (fit.marginal_effects, fit.comparative_statics):
        with pytest.raises(UserError, match="'kind' holds classes"):
            ask("kind")
    assert np.isfinite(fit.counterfactual(columns={"kind": 1}, interval="none").value).all()


def test_shares_of_a_mixture_follow_its_log_odds():
    design = build(table(), Formulas(SIMPLE))
    odds = np.array([0.4, -0.7])
    shares = np.exp([0, *odds]) / np.exp([0, *odds]).sum()
    mixed = Chances("mixture", design.mark, np.zeros(30), shares)
    theta = np.concatenate([MULTIPLE, odds])
    assert mixed(design, theta)["sf"] == pytest.approx(mixed(design, MULTIPLE)["sf"])
    alone = Chances("mixture", design.mark, np.zeros(30), np.array([0.0, 0.0, 1.0]))
    assert mixed(design, np.concatenate([MULTIPLE, [0.0, 50.0]]))["sf"] == pytest.approx(alone(design, MULTIPLE)["sf"])
    # What is not known of the odds widens the intervals.
    fit = replace(
        fitted(MULTIPLE), names=(*design.names, "mixture:middle", "mixture:largest"), estimate=theta, design=design,
        selection="mixture", probabilities=mixed, covariance=np.diag([1e-12] * 6 + [0.1, 0.1]),
    )  # fmt: skip
    assert fit.counterfactual(payoffs={"SA": 0.1}).se.max() > 1e-3


def test_an_outcome_is_rare_by_what_the_table_holds():
    """Where a challenge is rare all that follows it is; not so in a table of challenges."""
    design = build(table(), Formulas(SIMPLE))
    played = play(design.payoffs(UNIQUE) + 4.0 * np.eye(7)[0], "smallest")
    assert played.chances["p_C"].max() < 1e-4
    told = equilibria_told(played)
    for given, rare in ((False, {"cd", "sf", "bd"}), (True, {"cd"})):  # B resists all but for certain
        said = " ".join(_edges(design, Settings(given_challenge=given), played, told))
        assert {name for name in COUNTS if f"the outcome {name} below" in said} == rare


@pytest.mark.parametrize("penalty", [0.0, -1.0, float("nan"), float("inf")])
def test_a_penalty_is_a_standard_deviation(penalty):
    with pytest.raises(UserError, match="no standard deviation"):
        estimate(table(), Formulas(SIMPLE), penalty=penalty)


def test_levels_are_shares():
    fit = fitted()
    for ask in (
        lambda: fit.interval(95.0),
        lambda: fit.predict(interval=True, level=95.0),
        lambda: fit.marginal_effects("x", level=0.0),
    ):
        with pytest.raises(UserError, match="no share of all intervals"):
            ask()
    with pytest.raises(UserError, match="interval from 5 to 95"):
        private_types(fit, 5.0, 95.0)


def test_draws_have_the_covariance():
    fit = fitted(covariance=0.5)
    assert np.cov(thetas(fit, 20_000).T) == pytest.approx(fit.covariance, abs=0.03)


def test_counterfactuals():
    fit = fitted()
    nothing = fit.counterfactual(payoffs={"SA": 0.0})
    assert nothing.value == pytest.approx(np.zeros(7), abs=1e-12)
    all_of_a = fit.counterfactual(payoffs={"SA": 0.4, "VA": 0.4, "barWA": 0.4, "bara": 0.4})
    assert all_of_a.value == pytest.approx(np.zeros(7), abs=1e-9)
    by_column = fit.counterfactual(columns={"x": 0.5})
    direct = play(fit.design.on(fit.design.table.with_column("x", 0.5)).payoffs(UNIQUE), "smallest").chances
    assert by_column.base + by_column.value == pytest.approx([direct[name].mean() for name in by_column.names])
    for wrong in ({"payoffs": {"QQ": 1}}, {"columns": {"nothing": 1}}, {}):
        with pytest.raises(UserError):
            fit.counterfactual(**wrong)


def test_each_game_stays_in_its_equilibrium():
    design = build(table(), Formulas(SIMPLE))
    payoffs = design.payoffs(MULTIPLE)
    found = enumerate_all(payoffs)
    middle = Chances("likely", design.mark, found.probit[:, 1])
    assert middle.play(design, MULTIPLE).unstable.all()
    assert middle.play(design, MULTIPLE + 1e-6).probit == pytest.approx(found.probit[:, 1], abs=1e-3)
    other = design.on(design.table)
    assert not middle.play(other, MULTIPLE).unstable.any()


def test_comparative_statics_show_every_equilibrium():
    moved = fitted(MULTIPLE).comparative_statics("x", between=(-8.0, 8.0), points=33)
    assert set(moved.count.tolist()) == {1, 3}
    three = moved.count == 3
    assert (moved.stable[three] == [True, False, True]).all()
    assert np.isfinite(moved.chances["p_R"]).sum(axis=1).tolist() == moved.count.tolist()
    design = fitted(MULTIPLE).design
    payoffs = design.on(as_table({"x": moved.values})).payoffs(MULTIPLE)
    again = enumerate_all(payoffs)
    assert moved.count.tolist() == again.count.tolist()


def test_private_types_of_a_mixture_are_of_the_equilibrium_that_the_counts_speak_for():
    """Its shares say that nearly all games play the smallest; these games do not."""
    design = build(table(), Formulas(SIMPLE))
    found = enumerate_all(design.payoffs(MULTIPLE))
    shares = np.array([0.98, 0.01, 0.01])
    mixed = replace(fitted(MULTIPLE), design=design, selection="mixture",
                    probabilities=Chances("mixture", design.mark, found.probit[:, 2], shares))  # fmt: skip
    largest = replace(mixed, probabilities=Chances("largest", design.mark, found.probit[:, 2]))
    assert mixed.private_types().row == pytest.approx(largest.private_types().row)


def test_private_types_are_those_of_simulated_plays():
    fit = fitted()
    found = fit.private_types()
    row = 4
    payoffs = fit.design.payoffs(UNIQUE)[row]
    value = dict(zip(PAYOFFS, payoffs, strict=True))
    probit = float(fit.probabilities.play(fit.design, UNIQUE).probit[row])
    rng = np.random.default_rng(7)
    firm, soft, war = rng.standard_normal((3, 2_000_000))
    resist = war > -probit
    chance = float(np.mean(rng.standard_normal(2_000_000) > -probit))
    least = value["VA"] + (value["SA"] - value["VA"]) / chance
    stand, back = value["barWA"] + firm, value["bara"] + soft
    challenge = np.maximum(stand, back) > least
    outcomes = (
        ~challenge,
        challenge & ~resist,
        challenge & resist & (stand > back),
        challenge & resist & (stand <= back),
    )
    share = fit.design.counts[row] / fit.design.counts[row].sum()
    means = np.array([[t[o].mean() for t in (stand, back, value["barWB"] + war)] for o in outcomes])
    lows = np.array([[np.quantile(t[o], 0.05) for t in (stand, back, value["barWB"] + war)] for o in outcomes])
    assert found.outcome[row, :, :, 0] == pytest.approx(means, abs=0.02)
    assert found.outcome[row, :, :, 1] == pytest.approx(lows, abs=0.04)
    assert found.row[row, :, 0] == pytest.approx(share @ means, abs=0.02)


# As a classifier of scikit-learn


def labelled(many=160, seed=3):
    """Single plays: a frame with x, and their outcomes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=many)
    design = build(as_table({"x": x}), Formulas(SIMPLE), with_counts=False)
    theta = np.array([1.0, -1.6, -1.2, 0.8, -1.2, 0.2])
    chances = play(design.payoffs(theta), "smallest").chances
    stack = np.stack([chances[name] for name in COUNTS], axis=1).cumsum(axis=1)
    place = (rng.uniform(size=(many, 1)) > stack[:, :3]).sum(axis=1)
    return pl.DataFrame({"x": x}), np.array(COUNTS)[place]


@pytest.mark.slow
def test_a_learner_is_cloned_and_cross_validated():
    from sklearn.base import clone
    from sklearn.model_selection import cross_val_score

    frame, y = labelled()
    learner = clone(SignalingGame(SIMPLE, penalty=3.0, starts=1))
    assert learner.get_params()["penalty"] == 3.0
    scores = cross_val_score(learner, _pandas(frame), y, cv=2, scoring="neg_log_loss")
    assert scores.mean() > np.log(1 / 4)
    learner.fit(frame, y)
    assert learner.classes_.tolist() == sorted(COUNTS)
    chances = learner.predict_proba(frame)
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(frame)))
    shares = [(y == name).mean() for name in learner.classes_]
    assert chances.mean(axis=0) == pytest.approx(shares, abs=0.08)
    assert set(learner.predict(frame)) <= set(COUNTS)


@pytest.mark.slow
def test_a_learner_takes_arrays_counts_and_numbers():
    frame, y = labelled()
    place = np.array([COUNTS.index(name) for name in y])
    terms = {key: text.replace("x", "x0") for key, text in SIMPLE.items()}
    one = SignalingGame(terms, penalty=3.0, starts=1).fit(frame.to_numpy(), place)
    two = SignalingGame(SIMPLE, penalty=3.0, starts=1).fit(frame, np.eye(4)[place])
    assert one.predict_proba(frame.to_numpy()) == pytest.approx(two.predict_proba(frame), abs=1e-6)
    assert one.classes_.tolist() == [0, 1, 2, 3]
    chances = two.predict_proba(frame)[np.arange(len(y)), place]
    assert two.score(frame, np.eye(4)[place]) == pytest.approx(np.log(chances).mean())


@pytest.mark.parametrize("method", ["pl", "npl"])
def test_a_learner_by_pseudo_likelihood(method):
    frame, y = labelled()
    learner = SignalingGame(SIMPLE, method=method).fit(frame, y)
    assert learner.fit_.method == method
    assert learner.predict_proba(frame).sum(axis=1) == pytest.approx(np.ones(len(frame)))


def test_a_learner_refuses_what_it_cannot_use():
    frame, y = labelled(20)
    with pytest.raises(UserError, match="'war' is no outcome"):
        SignalingGame(SIMPLE).fit(frame, ["war"] * 20)
    with pytest.raises(UserError, match="'SB' is no payoff"):
        SignalingGame({"SB": "1"}).fit(frame, y)
    with pytest.raises(UserError, match="one outcome for each row"):
        SignalingGame(SIMPLE).fit(frame, y[:5])


def _pandas(frame):
    import pandas as pd

    return pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns})
