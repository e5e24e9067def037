"""One key for each named noise.

key_name = fold_in(key, crc32(name)): the key of a noise depends on its name alone, so that a noise added to
a module leaves the other noises of a recorded run as they were.
"""

import zlib

import jax
from jaxtyping import PRNGKeyArray


def named_keys(key: PRNGKeyArray, names: tuple[str, ...]) -> dict[str, PRNGKeyArray]:
    """Split a key by name.

    Args:
        key: key of the module for this week; used nowhere else.
        names: names of the noises.

    Returns:
        One key for each name.
    """
    return {name: jax.random.fold_in(key, zlib.crc32(name.encode()) & 0x7FFFFFFF) for name in names}
