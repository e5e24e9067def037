"""Event tables become candidate events of a case.

Reading order: `codes` (CAMEO, PLOVER, Goldstein, moves), `parties` (who is meant by USA or VENGOV), `report` (a row,
and what is wrong with a line), `stream` (files of any size, packed or not), the readers `gdelt`, `named` (ICEWS and
POLECAT) and `plover`, `collapse` (many rows of one act), `find` (all of it), `candidates` (the file that an analyst
answers), `splice` (adding to a file and leaving the rest as it is), `into` (accepted ones enter a case).
"""
