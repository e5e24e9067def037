"""What an analyst writes, and what can be known of it without computing anything.

In reading order. The schema: `number` (a value or distribution with its reason), `evidence`, `parameters`,
`crisis`, `world`. Reading it: `place`, `load`, `explain`, `reference`, `generic`, `check`, `move`,
`bounds`, `module_numbers`, `impossible`; `packed` for files of data.
What it rests on: `audit`, `relay`, `copies`, `anchor`, `listing`. A case to start from: `new`.
"""

from standoff.case.load import LoadedCase as LoadedCase
from standoff.case.load import load_case as load_case
