"""Settings of every test: JAX at its strictest, plots without a screen, hypothesis the same in every run.

Nothing of an earlier run is read: what is kept for the user's next command goes into this run's own folder, which
its workers share, so that a function that one of them has compiled is not compiled by the others.
"""

import os
import sys

import jax
import matplotlib as mpl
import pytest
from hypothesis import settings

from standoff import cli

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

mpl.use("Agg")

# The first call of a compiled function takes seconds, so no example has a deadline. The examples are the same in
# every run, so that a failure is somebody's change; HYPOTHESIS_PROFILE=explore (`make test-slow`) draws new ones.
settings.register_profile("standoff", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "standoff"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """The user's cache folder, for this run alone; the caches of plots hold fonts only and stay where they are."""
    root = tmp_path_factory.getbasetemp()
    root = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "cache"
    compiled = root / "standoff" / "compiled"  # where commands keep theirs
    compiled.mkdir(parents=True, exist_ok=True)
    os.environ["XDG_CACHE_HOME"] = str(root)
    os.environ.setdefault("MPLCONFIGDIR", mpl.get_cachedir())
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    return root


@pytest.fixture
def standoff(monkeypatch, capsys):
    """Runs a command in this process; gives exit code, stdout and stderr."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["standoff", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr()
        return stop.value.code or 0, said.out, said.err

    return command
