"""Fits as text: a summary for the terminal, tables for Markdown and LaTeX, one fit or several side by side."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from standoff.estimate.fit import CONVERGED, UNIDENTIFIED

if TYPE_CHECKING:
    from standoff.estimate.fit import Fit

WIDTH = 100
"""Columns of a summary."""
METHODS = {
    "ml": "exact maximum likelihood", "pl": "pseudo-likelihood (PL)", "npl": "nested pseudo-likelihood (NPL)",
    "bayes": "posterior",
}  # fmt: skip
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


def summary(fit: "Fit") -> str:
    """A fit in lines of at most `WIDTH` columns."""
    plays = "" if fit.observations is None else f", {fit.observations} plays"
    lines = [f"{fit.model}, {METHODS.get(fit.method, fit.method)}: {fit.n} games{plays}"]
    lines.append(
        f"log-likelihood {fit.log_likelihood:.3f}, AIC {fit.aic:.1f}, BIC {fit.bic:.1f}, {len(fit.names)} coefficients"
    )
    lines += [f"Status: {fit.status}. Standard errors: {fit.covariance_kind}.", ""]
    wide = min(max([12, *(len(name) for name in fit.names)]), 50)
    lines.append(f"{'':{wide}}  {'estimate':>10}  {'se':>9}  {'z':>7}  {'p':>6}  {'95% interval':>21}")
    for name, value, error, z, p, (low, high) in zip(
        fit.names, fit.estimate, fit.se, fit.z, fit.p, fit.interval(), strict=True
    ):
        known = np.isfinite(error)
        rest = f"{error:9.4f}  {z:7.2f}  {p:6.3f}  [{low:9.4f}, {high:8.4f}]" if known else lacking(fit)
        lines.append(f"{_cut(name, wide):{wide}}  {value:10.4f}  {rest}".rstrip())
    told = equilibria_in_words(fit)
    if told:
        lines += ["", *textwrap.wrap(told, WIDTH)]
    for sentence in fit.warnings:
        lines += ["", *textwrap.wrap(f"Warning: {sentence}", WIDTH, subsequent_indent="  ", break_long_words=False)]
    return "\n".join(lines)


def lacking(fit: "Fit") -> str:
    """What stands in the place of a standard error that there is not."""
    told = fit.status == UNIDENTIFIED or (fit.status == CONVERGED and bool(np.isfinite(fit.se).any()))
    return "not identified" if told else "no standard error"


def equilibria_in_words(fit: "Fit") -> str:
    """How many equilibria the games have at the estimate, which are played, and what the counts are worth if drawn."""
    by_number = fit.equilibria.get("games_by_number")
    if not by_number:
        return ""
    parts = [f"{many} with {number}" for number, many in by_number.items()]
    text = f"Equilibria at the estimate, by game: {', '.join(parts)}."
    if fit.equilibria.get("unstable_played"):
        text += f" In {fit.equilibria['unstable_played']} games the one that is played is unstable under best response."
    if fit.weighed is not None:
        text += (
            f" Weighed, the log-likelihood is {fit.weighed:.3f} (each game draws its equilibrium, by chances that may "
            "depend on its columns). The other, as AIC and BIC, lets each game choose after its counts are seen: to "
            "compare fits to these games, take the weighed one."
        )
    return text


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _rows(fits: Sequence["Fit"]) -> list[str]:
    return list(dict.fromkeys(name for fit in fits for name in fit.names))


def stars(p: float) -> str:
    """Marks of significance; none where a chance is not known."""
    return next((mark for level, mark in STARS if p < level), "")


def _cell(fit: "Fit", name: str, digits: int) -> tuple[str, str, str]:
    """Estimate, stars, and standard error in brackets; blank where the fit has no such coefficient."""
    if name not in fit.names:
        return "", "", ""
    k = fit.names.index(name)
    error = f"({fit.se[k]:.{digits}f})" if np.isfinite(fit.se[k]) else f"({lacking(fit)})"
    return f"{fit.estimate[k]:.{digits}f}", stars(float(fit.p[k])), error


def _foot(fits: Sequence["Fit"]) -> list[tuple[str, list[str]]]:
    plays = ["" if fit.observations is None else str(fit.observations) for fit in fits]
    return [
        ("Log-likelihood", [f"{fit.log_likelihood:.3f}" for fit in fits]),
        ("AIC", [f"{fit.aic:.1f}" for fit in fits]),
        ("BIC", [f"{fit.bic:.1f}" for fit in fits]),
        ("Games", [str(fit.n) for fit in fits]),
        ("Plays", plays),
        ("Status", [fit.status for fit in fits]),
    ]


def _title(fit: "Fit") -> str:
    return f"{fit.model} ({fit.method})"


def to_markdown(fits: Sequence["Fit"], digits: int = 3) -> str:
    """A table of fits side by side: estimates with standard errors in brackets."""
    lines = [f"| | {' | '.join(_title(fit) for fit in fits)} |", f"|---|{'---:|' * len(fits)}"]
    for name in _rows(fits):
        cells = [_cell(fit, name, digits) for fit in fits]
        shown = [f"{value}{mark.replace('*', chr(92) + '*')} {error}".strip() for value, mark, error in cells]
        lines.append(f"| {_markdown(name)} | {' | '.join(shown)} |")
    lines += [f"| {head} | {' | '.join(cells)} |" for head, cells in _foot(fits)]
    kinds = "; ".join(dict.fromkeys(fit.covariance_kind for fit in fits))
    lines += ["", f"Standard errors in brackets: {kinds}. \\* p < 0.05, \\*\\* p < 0.01, \\*\\*\\* p < 0.001."]
    return "\n".join(lines) + "\n"


def _markdown(text: str) -> str:
    for letter in "\\`*_|<>[]":
        text = text.replace(letter, f"\\{letter}")
    return text


def to_latex(fits: Sequence["Fit"], digits: int = 3) -> str:
    """A table of fits side by side for LaTeX (needs booktabs): standard errors in brackets below estimates."""
    lines = [rf"\begin{{tabular}}{{l{'r' * len(fits)}}}", r"\toprule"]
    lines += [" & ".join(["", *(_latex(_title(fit)) for fit in fits)]) + r" \\", r"\midrule"]
    for name in _rows(fits):
        cells = [_cell(fit, name, digits) for fit in fits]
        values = [rf"${value}${f'$^{{{mark}}}$' if mark else ''}" if value else "" for value, mark, _ in cells]
        lines.append(" & ".join([_latex(name), *values]) + r" \\")
        lines.append(" & ".join(["", *(error for _, _, error in cells)]) + r" \\")
    lines.append(r"\midrule")
    lines += [" & ".join([head, *(_latex(cell) for cell in cells)]) + r" \\" for head, cells in _foot(fits)]
    kinds = _latex("; ".join(dict.fromkeys(fit.covariance_kind for fit in fits)))
    lines += [
        r"\bottomrule",
        rf"\multicolumn{{{len(fits) + 1}}}{{l}}{{\footnotesize Standard errors: {kinds}. "
        r"$^{*}$ $p<0.05$, $^{**}$ $p<0.01$, $^{***}$ $p<0.001$.}",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    table = {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "|": r"$|$",
    }  # fmt: skip
    return "".join(table.get(letter, letter) for letter in text)
