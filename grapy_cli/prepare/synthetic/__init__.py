"""People made on the spot: a data set to try everything with, nothing to download.

A person is a skeleton with random joints (`body`), dressed in fabrics (`wardrobe`), and painted
shape by shape into a scene (`scene`): each shape into the photo in its fabric, and into a map of
what is worn where. Any label set reads its parts off that map (`labels`), and `release` writes
them as the release would have.
"""
