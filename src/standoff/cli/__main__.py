"""`python -m standoff.cli`."""

from standoff.cli import main

main()
