"""The world around the game: nine modules, each small, each with its equation, units and sources.

Reading order (numbers are those of the modules):

- what all share: `noise` (one key for each named noise), `priors` (generic numbers, `priors.csv`);
- 1 `economy`: from a quarantine to less money for the coalition;
- 2 `coalition` and `threshold`: how likely the circle is to remove its leader, as a problem of coordination;
- 3 `reading` and `perception`: what arrives of what was sent; `analogy`: what past cases are taken to show;
  `revision`: when a view is dropped;
- 4 `reference_class` and `force`: the lottery of a strike;
- 5 `exits`: what leaving is worth;
- 6 `patrons`: helpers, go-betweens, promises that bind later governments;
- 7 `contest`, `exit_mode`, `succession` and `aftermath`: who takes over, how, for how long;
- 8 `conflict`, `ally` and `cascade`: what the ending does to the region and to markets;
- 9 `domestic`: what force, losses and retreat cost the coercer at home;
- `level`, `hold` and `chain`: from modules 1 and 2 to the Markov chains that the game receives.
"""
