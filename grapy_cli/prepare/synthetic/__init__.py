"""Draw people: a data set to try everything with, without a download.

A person is a skeleton with random joints (`body`), dressed in fabrics (`wardrobe`), and painted
shape by shape into a scene (`scene`): each shape into the photo in its fabric, and into a map of
codes that say what is worn where. `part_codes` turns the codes into parts of any label set, and
`release` writes files in the layout of the release.
"""
