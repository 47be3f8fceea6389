"""The network of Grapy-ML, built from numbers and label sets.

Legend of shapes in this package: `b` photos, `c` channels, `h w` height and width in pixels (of the
stride-4 features where a name ends in `4`), `n` nodes of a level, `p` parts.
"""
