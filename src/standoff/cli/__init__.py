"""The command line: parses, calls one function of the library, prints.

Reading order: `shell` (what commands share), `cases`, `events`, `main_job`, `games`, `ask`, `mechanisms`, `report`,
`infer`, `forecast`, `score`, `estimate`, `equilibria`, `backtest`, `serve`, `play`, `play_bot`.
"""

import os
import sys

from standoff.cli import ask as ask
from standoff.cli import backtest as backtest
from standoff.cli import cases as cases
from standoff.cli import equilibria as equilibria
from standoff.cli import estimate as estimate
from standoff.cli import events as events
from standoff.cli import forecast as forecast
from standoff.cli import games as games
from standoff.cli import infer as infer
from standoff.cli import main_job as main_job
from standoff.cli import mechanisms as mechanisms
from standoff.cli import play as play
from standoff.cli import play_bot as play_bot
from standoff.cli import report as report
from standoff.cli import score as score
from standoff.cli import serve as serve
from standoff.cli.shell import app, say
from standoff.errors import CaseError, StandoffError, UserError


def main() -> None:
    """Run the command line; a mistake is told in a sentence, never as a traceback.

    Exit code 2 for a user's mistake, 1 for a failure of ours, 130 when interrupted.
    """
    try:
        app()
    except UserError as error:
        say(str(error))
        if isinstance(error, CaseError) and len(error.problems) > 1:
            say(f"{len(error.problems)} problems.")
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == 130:
            say("Interrupted; what was not finished has not been kept.")
        raise
    except KeyboardInterrupt:
        say("Interrupted; what was not finished has not been kept.")
        sys.exit(130)
    except Exception as error:
        if os.environ.get("STANDOFF_DEBUG"):
            raise
        hint = "STANDOFF_DEBUG=1 shows where."
        if isinstance(error, StandoffError):
            say(f"{error} ({hint})")
        else:
            what = " ".join(str(error).split())[:300]
            say(f"This is a failure of ours, not of your case: {type(error).__name__}: {what}. {hint}")
        sys.exit(1)
