"""The network of Grapy-ML, from numbers and label sets alone.

Legend of shapes, here and in the files beside: `b` photos, `c` channels, `h w` height and width in
pixels (of the stride-4 features where a name ends in `4`), `n` nodes of a level, `p` parts.
"""
