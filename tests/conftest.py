"""Settings of every test: JAX at its strictest, plots without a screen, hypothesis without deadlines."""

import jax
import matplotlib as mpl
from hypothesis import settings

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

mpl.use("Agg")

# The first call of a compiled function takes seconds, so no example has a deadline.
settings.register_profile("standoff", deadline=None)
settings.load_profile("standoff")
