import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from tests.test_estimate_likelihood import played_by_thirds

from standoff.estimate.equilibria import enumerate_all
from standoff.estimate.fit import Fit
from standoff.estimate.formulas import COUNTS, PAYOFFS, Formulas, build
from standoff.estimate.played import log_chances
from standoff.estimate.table import as_table
from standoff.show.estimate import MODELS

ROOT = Path(__file__).parents[1]
SIGINT = ROOT.parent / "shared" / "reference" / "sigint"
TERMS = {"SA": "0", "VA": "1", "CB": "0", "barWA": "1", "barWB": "1 + x", "bara": "1", "VB": "1"}
TRUTH = np.array([1.0, -1.6, -1.2, 0.8, -1.2, 0.2])
NAMES = ["VA:(Intercept)", "barWA:(Intercept)", "barWB:(Intercept)", "barWB:x", "bara:(Intercept)", "VB:(Intercept)"]


def yaml(terms, more=""):
    return "".join(f'{key}: "{text}"\n' for key, text in terms.items()) + more


@pytest.fixture
def games(tmp_path):
    """A table of simulated games and its formula file."""
    rng = np.random.default_rng(4)
    many = 60
    x = rng.uniform(size=many)
    design = build(as_table({"x": x}), Formulas(TERMS), with_counts=False)
    payoffs = design.payoffs(TRUTH)
    chances = np.exp(log_chances(payoffs, enumerate_all(payoffs).probit))[:, 0]
    counts = np.stack([rng.multinomial(100, p / p.sum()) for p in chances])
    with (tmp_path / "games.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["pair", "x", *COUNTS])
        writer.writerows([k // 2, float(x[k]), *counts[k].tolist()] for k in range(many))
    (tmp_path / "f.yaml").write_text(yaml(TERMS))
    return tmp_path / "games.csv", tmp_path / "f.yaml"


def reference(name):
    path = SIGINT / name
    if not path.is_file():
        pytest.skip("the reference fits are not beside the repository (../shared/reference/sigint)")
    return path


def test_json_holds_what_is_promised(standoff, games):
    data, formula = games
    code, said, _ = standoff("estimate", data, "--formula", formula, "--method", "npl",
                             "--first-stage", "frequencies", "--json", "--quiet")  # fmt: skip
    assert code == 0
    told = json.loads(said)
    assert {"coefficients", "loglik", "n", "equilibria", "status", "warnings"} <= set(told)
    assert list(told["coefficients"]) == NAMES
    assert all(set(one) == {"estimate", "se"} for one in told["coefficients"].values())
    assert (told["n"], told["observations"], told["status"]) == (60, 6000, "converged")
    far = [
        (told["coefficients"][n]["estimate"] - t) / told["coefficients"][n]["se"]
        for n, t in zip(NAMES, TRUTH, strict=True)
    ]
    assert np.abs(far).max() < 4


def test_out_holds_fit_tables_page_and_figures(standoff, games, tmp_path):
    data, formula = games
    out = tmp_path / "out"
    code, said, err = standoff("estimate", data, "--formula", formula, "--method", "pl", "--first-stage", "frequencies",
                               "--statics", "x", "--effects", "x", "--out", out)  # fmt: skip
    assert code == 0
    assert "signaling, pseudo-likelihood (PL): 60 games, 6000 plays" in said
    assert "Average change of each chance per unit of x" in said
    assert "Equilibria as x moves" in said
    assert "PL" in err
    written = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    figures = {f"figures/estimate-{n}.{e}" for n in ("coefficients", "outcomes", "statics-x") for e in ("svg", "png")}
    assert written == figures | {"fit.json", "table.md", "table.tex", "games.csv", "estimate.html", "estimate.json",
                                 "estimate.csv"}  # fmt: skip
    page = (out / "estimate.html").read_text()
    assert page.count("<svg") == 3
    for name in NAMES:
        assert name in page
        assert name in (out / "table.md").read_text()
    rows = list(csv.DictReader((out / "games.csv").read_text().splitlines()))
    assert len(rows) == 60
    for row in rows:
        assert sum(float(row[n]) for n in COUNTS) == pytest.approx(1, abs=1e-6)
        assert float(row["W_A_low"]) < float(row["W_A_mean"]) < float(row["W_A_high"])
    fit = Fit.load(out / "fit.json")
    assert fit.predict()["p_R"] == pytest.approx([float(row["p_R"]) for row in rows], abs=1e-6)
    for name in ("coefficients", "outcomes", "statics-x"):
        svg = (out / "figures" / f"estimate-{name}.svg").read_text()
        assert "<title" in svg
        assert len(re.findall(r"<text", svg)) > 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("--model", "chess"), "'chess' is no model. Known are signaling"),
        (("--method", "guess"), "'guess' is no method"),
        (("--selection", "best"), "'best' is no selection"),
        (("--method", "pl", "--covariance", "cluster:nothing"), "no column 'nothing'"),
        (("--method", "pl", "--first-stage", "tea"), "'tea' is no first stage"),
        (("--method", "pl", "--selection", "largest"), "PL and NPL select no equilibrium"),
        (("--method", "npl", "--covariance", "hessian"), "no Hessian of its own"),
        (("--link", "logit"), "belongs to the models of the egame family"),
        (
            ("--method", "pl", "--effects", "nothing"),
            "--effects nothing: the formulas do not use this column. They use x.",
        ),
        (("--statics", "pair"), "--statics pair: the formulas do not use this column"),
        (("--at", "pair=1", "--out", "out"), "--at pair: the formulas do not use this column"),
        (("--at", "x=much", "--out", "out"), "--at x=much: the column holds numbers"),
        (("--at", "x=1"), "--at is about fit.json, which --out writes"),
        (("--first-stage", "forest"), "--first-stage belongs to --method pl and npl"),
        (("--method", "bayes", "--first-stage", "forest"), "--first-stage belongs to --method pl and npl"),
        (("--penalty", "inf"), "A penalty of inf is no standard deviation"),
    ],
)
def test_mistakes_are_told_with_code_2(standoff, games, change, said):
    data, formula = games
    more = () if "--first-stage" in change or "--method" not in change else ("--first-stage", "frequencies")
    code, _, err = standoff("estimate", data, "--formula", formula, "--quiet", *change, *more)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_mistakes_are_told_before_anything_is_estimated(standoff, games, tmp_path, monkeypatch):
    from standoff.estimate import estimation
    from standoff.estimate.strategic import estimate as strategic

    def never(*arguments, **given):
        raise AssertionError("it was estimated")

    monkeypatch.setattr(estimation, "estimate_design", never)
    monkeypatch.setattr(strategic, "fit", never)
    data, formula = games
    war = tmp_path / "war.yaml"
    war.write_text('u11: "1"\nu13: "0"\nu14: "x"\nu24: "1"\nactions: [sq, cd]\n')
    (tmp_path / "c.yaml").write_text(yaml(TERMS | {"barWB": "1 + C(pair)"}))
    for a, change, said in (
        (formula, ("--effects", "nothing"), "--effects nothing"),
        (formula, ("--statics", "nothing"), "--statics nothing"),
        (tmp_path / "c.yaml", ("--effects", "pair"), "--effects pair: the column holds classes"),
        (war, ("--model", "egame12", "--effects", "nothing"), "--effects nothing"),
        (war, ("--model", "egame12", "--statics", "x"), "--statics belongs to the signaling game"),
        (war, ("--model", "egame12", "--at", "x=1", "--out", tmp_path / "out"), "--at belongs to the signaling game"),
        (war, ("--model", "egame12", "--covariance", "tea"), "'tea' is no covariance"),
        (war, ("--model", "egame12", "--covariance", "cluster:pear"), "no column 'pear' (to cluster by)"),
    ):
        code, _, err = standoff("estimate", data, "--formula", a, "--quiet", *change)
        assert code == 2
        assert said in err


def test_a_covariance_that_was_not_computed_is_told(standoff, tmp_path):
    """The constants of egame12's four utilities are told apart by no data."""
    rows = [f"{k % 2},{k // 2 % 2},{k % 5}" for k in range(40)]
    (tmp_path / "g.csv").write_text("\n".join(["esc,war,x", *rows]) + "\n")
    (tmp_path / "f.yaml").write_text('u11: "1"\nu13: "1"\nu14: "1"\nu24: "1"\nactions: [esc, war]\n')
    code, said, _ = standoff("estimate", tmp_path / "g.csv", "--model", "egame12", "--formula", tmp_path / "f.yaml",
                             "--covariance", "robust", "--starts", "1", "--json", "--quiet")  # fmt: skip
    told = json.loads(said)
    assert (code, told["status"], told["covariance"]) == (0, "unidentified", "inverse Hessian")
    assert "The covariance robust was not computed, since the fit is unidentified." in told["warnings"]


def test_bad_files_are_told_with_code_2(standoff, games, tmp_path):
    data, formula = games
    (tmp_path / "bad.yaml").write_text(yaml(TERMS | {"VA": "1 + __import__('os').getcwd()"}))
    for a, b, said in (
        (tmp_path / "none.csv", formula, "none.csv: it cannot be read"),
        (data, tmp_path / "none.yaml", "none.yaml: it cannot be read"),
        (data, tmp_path / "bad.yaml", "bad.yaml:2: VA"),
    ):
        code, _, err = standoff("estimate", a, "--formula", b, "--quiet")
        assert code == 2
        assert said in err


def test_what_does_not_settle_leaves_with_1(standoff, games, tmp_path, monkeypatch):
    from standoff.estimate import estimation

    data, formula = games
    monkeypatch.setattr(estimation.Settings, "__init__", _few(estimation.Settings.__init__))
    code, said, err = standoff("estimate", data, "--formula", formula, "--method", "npl", "--first-stage",
                               "frequencies", "--quiet")  # fmt: skip
    assert code == 1
    assert "Status: not converged" in said
    assert "did not converge" in err


def _few(init):
    def short(self, *arguments, **given):
        init(self, *arguments, **(given | {"rounds": 3}))

    return short


def test_a_column_of_zeros_is_named_and_has_no_number(standoff, games, tmp_path):
    data, _ = games
    lines = data.read_text().splitlines()
    data.write_text("\n".join([lines[0] + ",ally", *(line + ",0" for line in lines[1:])]) + "\n")
    (tmp_path / "a.yaml").write_text(yaml(TERMS | {"SA": "0 + ally"}))
    code, said, _ = standoff("estimate", data, "--formula", tmp_path / "a.yaml", "--method", "pl", "--first-stage",
                             "frequencies", "--json", "--quiet")  # fmt: skip
    told = json.loads(said)
    assert code == 0
    assert told["status"] == "unidentified"
    assert told["coefficients"]["SA:ally"] == {"estimate": 0.0, "se": None}
    assert told["coefficients"]["barWB:x"]["se"] > 0
    assert any("SA:ally is 0 in every game" in sentence for sentence in told["warnings"])
    assert told["aic"] == pytest.approx(2 * len(NAMES) - 2 * told["loglik"])  # what is held at 0 costs nothing


def test_fits_with_several_equilibria_tell_the_weighed_value(standoff, tmp_path):
    made = played_by_thirds(3, 8, 200)
    with (tmp_path / "g.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["x", *COUNTS])
        writer.writerows([float(x), *map(int, n)] for x, n in zip(made.blocks[4][:, 1], made.counts, strict=True))
    (tmp_path / "f.yaml").write_text(yaml(TERMS))
    code, said, _ = standoff("estimate", tmp_path / "g.csv", "--formula", tmp_path / "f.yaml", "--starts", "1",
                             "--selection", "likely", "--json", "--quiet", "--out", tmp_path / "out")  # fmt: skip
    told = json.loads(said)
    assert (code, told["equilibria"]["games_by_number"]) == (0, {"3": 8})
    assert told["loglik"] - 8 * np.log(3) - 6 < told["weighed"] < told["loglik"]
    assert json.loads((tmp_path / "out" / "fit.json").read_text())["weighed"] == told["weighed"]
    page = " ".join(next((tmp_path / "out").glob("*.html")).read_text().split())
    assert f"Weighed, the log-likelihood is {told['weighed']:.3f}" in page


def test_bootstrap_is_kept_and_gone_on_from(standoff, games, tmp_path):
    data, formula = games
    out = tmp_path / "out"
    common = ("estimate", data, "--formula", formula, "--method", "pl", "--first-stage", "frequencies", "--quiet",
              "--json", "--out", out)  # fmt: skip
    assert standoff(*common, "--covariance", "bootstrap:4")[0] == 0
    first = (out / "bootstrap.jsonl").read_text().splitlines()
    code, said, _ = standoff(*common, "--covariance", "bootstrap:6:pair")
    assert code == 0
    assert "6 draws of clusters of pair" in json.loads(said)["covariance"]
    assert standoff(*common, "--covariance", "bootstrap:6")[0] == 0
    again = (out / "bootstrap.jsonl").read_text().splitlines()
    assert len(again) == 7
    assert again[:5] == first


def test_every_model_is_in_the_help(standoff):
    code, said, _ = standoff("estimate", "--help")
    assert code == 0
    for name in (*MODELS, "--covariance", "--first-stage", "likely", "mixture"):
        assert name in said


def specification(name, tmp_path):
    told = json.loads(reference("peer_fits.json").read_text())["specifications"][name]
    (tmp_path / f"{name}.yaml").write_text(yaml({key: told[key] for key in PAYOFFS}))
    return tmp_path / f"{name}.yaml"


@pytest.mark.parametrize(("name", "method"), [("main", "pl"), ("s5", "pl"), ("main", "npl")])
def test_the_command_gives_the_peers_fits(standoff, tmp_path, name, method):
    data = reference("sanctions_data_to1989.csv")
    code, said, _ = standoff("estimate", data, "--formula", specification(name, tmp_path), "--method", method, "--json",
                             "--quiet")  # fmt: skip
    told = json.loads(said)
    one = json.loads(reference("peer_fits.json").read_text())["fits"][f"{name}_{method}"]
    assert code == 0
    assert told["loglik"] == pytest.approx(one["loglik"], abs=1e-4)
    assert told["aic"] == pytest.approx(one["aic_correct"], abs=2e-4)
    for term, value in one["coefficients"].items():
        assert told["coefficients"][term]["estimate"] == pytest.approx(value, abs=1e-5)
    exact = json.loads(reference("likelihood_points.json").read_text())
    if name == "main":
        assert told["equilibria"]["exact_loglik"] == pytest.approx(
            exact[f"{method}_estimate"]["loglik_best_equilibrium"], abs=1e-3
        )


@pytest.mark.slow
def test_exact_likelihood_is_the_default(standoff, games, tmp_path):
    data, formula = games
    out = tmp_path / "out"
    code, said, _ = standoff("estimate", data, "--formula", formula, "--covariance", "robust", "--json", "--quiet",
                             "--out", out)  # fmt: skip
    told = json.loads(said)
    assert code == 0
    assert (told["method"], told["status"], told["covariance"]) == ("ml", "converged", "robust")
    far = [
        (told["coefficients"][n]["estimate"] - t) / told["coefficients"][n]["se"]
        for n, t in zip(NAMES, TRUTH, strict=True)
    ]
    assert np.abs(far).max() < 4
    npl = json.loads(standoff("estimate", data, "--formula", formula, "--method", "npl", "--first-stage", "frequencies",
                              "--json", "--quiet")[1])  # fmt: skip
    assert told["loglik"] >= npl["equilibria"]["exact_loglik"] - 1e-6
    fit = Fit.load(out / "fit.json")
    assert fit.predict()["p_C"].sum() > 0


def test_challenges_alone(standoff, games, tmp_path):
    data, formula = games
    rows = [line.split(",") for line in data.read_text().splitlines()]
    place = rows[0].index("sq")
    data.write_text("\n".join(",".join(r[:place] + r[place + 1 :]) for r in rows) + "\n")
    code, _, err = standoff("estimate", data, "--formula", formula, "--quiet")
    assert code == 2
    assert "no column 'sq'" in err
    formula.write_text(yaml(TERMS | {"VA": "0", "barWA": "0 + x", "bara": "0", "VB": "0"}))
    code, said, _ = standoff("estimate", data, "--formula", formula, "--given-challenge", "--starts", "1", "--json",
                             "--quiet")  # fmt: skip
    told = json.loads(said)
    assert code == 0
    assert told["observations"] == sum(int(x) for r in rows[1:] for x in r[place + 1 : place + 4])


@pytest.mark.parametrize("selection", ["smallest", pytest.param("largest", marks=pytest.mark.slow)])
def test_selections_agree_where_there_is_one_equilibrium(standoff, games, selection):
    data, formula = games
    found = [
        json.loads(standoff("estimate", data, "--formula", formula, "--selection", s, "--json", "--quiet")[1])
        for s in ("likely", selection)
    ]
    assert found[0]["loglik"] == pytest.approx(found[1]["loglik"], abs=1e-6)
    assert found[1]["selection"] == selection


def test_the_command_gives_the_exact_maximum(standoff, tmp_path):
    data = reference("sanctions_data_to1989.csv")
    code, said, _ = standoff("estimate", data, "--formula", specification("main", tmp_path), "--json", "--quiet")
    told, known = json.loads(said), json.loads(reference("exact_ml.json").read_text())["main"]
    assert code == 0
    assert told["loglik"] >= -2143.2602
    assert told["equilibria"] == {"games_by_number": {"1": 249}, "unstable_played": 0, "corner": 0}
    for name, value in known["coefficients"].items():
        assert told["coefficients"][name]["estimate"] == pytest.approx(
            value, abs=1e-3 * known["se_inverse_hessian"][name]
        )
        assert told["coefficients"][name]["se"] == pytest.approx(known["se_inverse_hessian"][name], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "status"), [("s2", "converged"), ("s5", "unidentified")])
def test_few_columns_do_not_send_weighed_estimates_away(standoff, tmp_path, name, status):
    """Under `likely` they run off, above 300 in size: several equilibria stand in for what constants cannot tell."""
    data = reference("sanctions_data_to1989.csv")
    asked = ["estimate", data, "--formula", specification(name, tmp_path), "--json", "--quiet"]
    code, said, _ = standoff(*asked)
    told = json.loads(said)
    assert (code, told["status"]) == (0, status)
    many = len(told["coefficients"]) if status == "converged" else 3  # s5 has five constants for three chances
    assert told["aic"] == pytest.approx(2 * many - 2 * told["loglik"])
    assert max(abs(one["estimate"]) for one in told["coefficients"].values()) < 6
    free = json.loads(standoff(*asked, "--selection", "likely")[1])
    assert max(abs(one["estimate"]) for one in free["coefficients"].values()) > 300


@pytest.mark.parametrize("data", ["sim_unique_a", "sim_multiple_a"])
def test_the_command_on_simulated_games(standoff, tmp_path, data):
    told = json.loads(reference("sim_a.json").read_text())
    (tmp_path / "f.yaml").write_text(yaml({key: told["formula"][key] for key in PAYOFFS}))
    code, said, _ = standoff(
        "estimate", reference(f"{data}.csv"), "--formula", tmp_path / "f.yaml", "--json", "--quiet"
    )
    found, known = json.loads(said), told["designs"][data]
    assert code == 0
    assert found["loglik"] >= known["mle_loglik"] - 1e-4
    se = [one["se"] for one in found["coefficients"].values()]
    # The known ones are numerical, with a step of 1e-4: off by 1.4% where the likelihood is bent most.
    assert se == pytest.approx(known["mle_se_inverse_hessian"], rel=2e-2)


def test_the_formula_files_of_the_page_are_the_specifications():
    told = json.loads(reference("peer_fits.json").read_text())["specifications"]
    from standoff.estimate.formulas import read_formulas

    for name, terms in told.items():
        assert read_formulas(ROOT / "docs" / "replications" / "signaling" / f"{name}.yaml").terms == terms


PAGE = ROOT / "docs" / "replications" / "signaling.md"


def test_the_page_has_the_formulas_that_are_shipped():
    shown = re.search(r"```yaml\n# main.yaml.*?\n(.*?)# counts", PAGE.read_text(), re.DOTALL)
    shipped = (PAGE.parent / "signaling" / "main.yaml").read_text().split("\n", 1)[1]
    assert shown is not None
    assert shown.group(1) == shipped


@pytest.mark.slow
def test_the_commands_of_the_page_print_its_table(standoff, tmp_path, monkeypatch):
    (tmp_path / "sanctions.csv").write_bytes(reference("sanctions_data_to1989.csv").read_bytes())
    (tmp_path / "main.yaml").write_bytes((PAGE.parent / "signaling" / "main.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text()
    commands = re.findall(r"^standoff (estimate sanctions.csv [^#\n]*)", text, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        assert standoff(*command.split(), "--quiet")[0] == 0
    assert (tmp_path / "runs" / "sanctions" / "fit.json").is_file()
    rows = re.findall(r"^\| (ml|npl|pl) \| ([-\d.]+) \| ([-\d.]+) \| ([\d.]+) \|", text, re.MULTILINE)
    assert len(rows) == 3
    for method, own, exact, aic in rows:
        told = json.loads(standoff("estimate", "sanctions.csv", "--formula", "main.yaml", "--method", method, "--json",
                                   "--quiet")[1])  # fmt: skip
        assert f"{told['loglik']:.3f}" == own
        assert f"{told['aic']:.1f}" == aic
        assert f"{told['equilibria'].get('exact_loglik', told['loglik']):.3f}" == exact
