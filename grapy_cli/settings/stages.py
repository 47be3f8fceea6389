"""The stages of the paper's training: each is a row of partial settings and nothing else.

Numbers: He et al. 2020, Implementation Details (learning rates, epochs, fine-tuning for 30).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

PartialSettings = Mapping[str, Mapping[str, Any]]

STAGES: Mapping[str, PartialSettings] = MappingProxyType(
    {
        "pretrain": {"train": {"refine": False, "lr": 7e-3, "epochs": 100}},
        "joint": {"train": {"refine": True, "lr": 7e-4, "epochs": 100}},
        "finetune": {"train": {"refine": True, "lr": 7e-4, "epochs": 30}},
    }
)

STAGE_BEFORE: Mapping[str, str] = MappingProxyType({"joint": "pretrain", "finetune": "joint"})
"""The stage whose weights the paper starts a stage from."""
