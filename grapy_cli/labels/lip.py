"""The label set of Look Into Person."""

from grapy_cli.labels.cihp import CIHP
from grapy_cli.labels.label_set import LabelSet

# The ids, names and colors are CIHP's except for id 10. An older list of names exists in which
# gloves and jumpsuits have other ids and right comes before left; it does not fit the label maps.
LIP = LabelSet(
    name="lip",
    title="Look Into Person",
    source="Gong et al. 2017; ids as in the LIP release",
    parts=tuple(
        part._replace(name="jumpsuits") if part.name == "torso-skin" else part
        for part in CIHP.parts
    ),
)
