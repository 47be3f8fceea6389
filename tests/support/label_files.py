"""Label files as people write them."""

COLORS = ([200, 0, 0], [0, 0, 200], [0, 200, 0])


def labels_toml(name: str, *parts: str) -> str:
    """Write a background and parts, each as "name category" or "name category mirror"."""
    rows = [f'name = "{name}"', *_rows("background", "background", [0, 0, 0])]
    for part, color in zip(parts, COLORS, strict=False):
        own, category, *mirror = part.split()
        rows += _rows(own, category, color)
        rows += [f'mirror = "{one}"' for one in mirror]
    return "\n".join(rows) + "\n"


def _rows(name: str, category: str, color: list[int]) -> list[str]:
    return ["[[parts]]", f'name = "{name}"', f'category = "{category}"', f"color = {color}"]
