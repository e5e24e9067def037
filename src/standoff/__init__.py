"""Write down, check, solve and simulate coercive crises.

Importing the package allocates no array and changes no setting of any library.
"""

__version__ = "0.1.0"
