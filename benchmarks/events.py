"""How fast event tables are read, and with how much memory: `python -m benchmarks.events [ROWS]`.

Made-up rows in the layout of GDELT 2, each fiftieth between the two sides that are asked for, over 184 days and 24
codes. Memory is that above what is resident before; it grows with the candidates, not with the rows.
"""

import datetime as dt
import gzip
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import machine, peak, say, table, timed

from standoff.events.find import Wanted, find
from standoff.events.parties import party

ROWS = 1_000_000
SHARE = 50
"""One row in so many is between the two sides."""
CODES = ("010", "036", "040", "042", "046", "051", "057", "071", "084", "085", "100", "1041", "111", "112", "120",
         "130", "138", "139", "152", "154", "163", "173", "190", "195")  # fmt: skip
OTHERS = ("FRA", "GBR", "DEU", "CHN", "RUS", "IND", "BRA", "ZAF", "NGA", "EGY", "JPN", "KOR", "MEX", "CAN", "ITA")
WORDS = "leaders meet over trade talks ships sail border court ruling vote bank price oil port storm".split()  # noqa: SIM905
BEGINS = dt.date(2025, 8, 1)


def write(file: Path, rows: int, seed: int = 7) -> None:
    """A made-up table."""
    draw = random.Random(seed)
    with file.open("w", encoding="utf-8") as stream:
        for number in range(rows):
            one, other = ("USA", "PAN") if number % SHARE == 0 else draw.sample(OTHERS, 2)
            if draw.random() < 0.5:
                one, other = other, one
            day = BEGINS + dt.timedelta(days=draw.randrange(184))
            code, host = draw.choice(CODES), f"paper{draw.randrange(400)}.example"
            slug = "-".join(draw.choices(WORDS, k=7))
            fields = [""] * 61
            fields[0], fields[1] = str(number), f"{day:%Y%m%d}"
            fields[2:5] = f"{day:%Y%m}", f"{day:%Y}", f"{day.year}.5"
            fields[5:8] = f"{one}GOV", f"NAME OF {one}", one
            fields[12] = "GOV"
            fields[15:18] = other, f"NAME OF {other}", other
            fields[25:35] = "1", code, code[:3], code[:2], "1", "0.0", "5", "1", "5", "-1.5"
            place = ("4", "A town, A province, A country", "XX", "XX01", "100", "10.5", "20.5", "-1000")
            fields[35:43] = fields[43:51] = fields[51:59] = place
            fields[59], fields[60] = (
                f"{day:%Y%m%d}120000",
                f"https://www.{host}/world/{slug}-{draw.randrange(10**6)}.html",
            )
            stream.write("\t".join(fields) + "\n")


def main() -> None:
    """Print a table of rows a second and peak memory by size, plain and packed."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    say("machine", machine())
    wanted = Wanted(party("USA"), party("PAN"))
    broad = Wanted(party("USA"), party("PAN"), also=("alone", "third", "nature"))
    lines = []
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "small.CSV", Path(name) / "large.CSV"
        write(small, rows // 10)
        write(large, rows)
        packed = Path(name) / "large.CSV.gz"
        with gzip.open(packed, "wb", compresslevel=4) as stream:
            stream.write(large.read_bytes())
        find([small], wanted)
        for label, file, asked in (
            ("plain, a tenth", small, wanted), ("plain", large, wanted), ("gzip", packed, wanted),
            ("plain, all acts of either side", large, broad),
        ):  # fmt: skip
            count = rows // 10 if file is small else rows
            wall, cpu = timed(lambda file=file, asked=asked: find([file], asked))  # type: ignore[misc]
            memory = peak(lambda file=file, asked=asked: find([file], asked))  # type: ignore[misc]
            size = file.stat().st_size / 2**20
            lines.append((label, f"{count:,}", f"{size:,.0f}", f"{wall:.2f}", f"{count / cpu:,.0f}", f"{memory:.0f}"))
        table(("file", "rows", "MiB", "s", "rows a CPU second", "peak MiB"), lines)
        for file, count in ((small, rows // 10), (large, rows)):
            say(f"largest resident memory of the whole command, {count:,} rows", f"{_command(file):.0f} MiB")


def _command(file: Path) -> float:
    """Mebibytes of the command in a process of its own."""
    words = [sys.executable, "-m", "standoff.cli", "events", str(file), "--between", "USA", "PAN", "--quiet"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the command failed")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
