"""The world around the game, a week at a time.

Reading order:

1. `noise`: one key for each named noise.
2. `economy`: from a quarantine to less money for the coalition (module 1).
3. `coalition`: how likely the circle is to remove its leader (module 2).
4. `threshold`: the coordination problem behind it, with and without a public signal.
5. `level`: the named levels of squeeze and cohesion.
6. `hold`: many paths of both modules with a rung held.
7. `chain`: from those paths to the Markov chains that the game receives.
"""
