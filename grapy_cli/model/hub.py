"""Weights on the Hugging Face Hub, named `hf:OWNER/NAME` or `hf:OWNER/NAME@REVISION`.

Downloads go to the Hub's own cache. Its variables work: HF_TOKEN, HF_HUB_OFFLINE, HF_HOME, ...
"""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from grapy_cli.errors import SettingsError, WeightsError, first_line, install_extra

PREFIX = "hf:"
FILES = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
)
"""What is downloaded of a repository: no pickles, no code."""
MISSING_EXTRA = install_extra("hub")

_OFFLINE = "Download it once where there is a network, and see that HF_HUB_OFFLINE is not set."
_LOG_IN = "Accept its terms on its page, then: hf auth login, or set HF_TOKEN."
# By exception of the Hub's library, what went wrong and what to type; the first that fits counts.
_REASONS: tuple[tuple[str, str, str], ...] = (
    ("GatedRepoError", "asks for its terms to be accepted", _LOG_IN),
    (
        "RepositoryNotFoundError",
        "does not exist, or is private",
        "Check the name: hf:OWNER/NAME. For a private one: hf auth login, or set HF_TOKEN.",
    ),
    (
        "RevisionNotFoundError",
        "has no such revision",
        "Name a branch, a tag or a commit: hf:OWNER/NAME@main.",
    ),
    (
        "HFValidationError",
        "is not the name of a repository",
        "Name it as hf:OWNER/NAME[@REVISION].",
    ),
    (
        "LocalEntryNotFoundError",
        "is not in the cache, and the Hub cannot be reached",
        _OFFLINE,
    ),
    (
        "IncompleteSnapshotError",
        "is not whole in the cache, and the Hub cannot be reached",
        _OFFLINE,
    ),
)


class HubName(NamedTuple):
    """A repository of the Hub, at a revision."""

    repository: str
    revision: str | None

    @classmethod
    def parse(cls, name: Path) -> "HubName | None":
        """Read `hf:OWNER/NAME[@REVISION]`; None for any other path."""
        text = name.as_posix()
        if not text.startswith(PREFIX):
            return None
        repository, _, revision = text.removeprefix(PREFIX).partition("@")
        return cls(repository, revision or None)

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}{f'@{self.revision}' if self.revision else ''}"


def download(name: HubName) -> Path:
    """Return the folder of a repository in the Hub's cache, downloading what is missing there.

    Raises:
        SettingsError: If the Hub's library is not installed.
        WeightsError: If the repository cannot be had, or holds no weights that are read.
    """
    if not find_spec("huggingface_hub"):
        raise SettingsError(
            f"{name} needs huggingface_hub, which is not installed", hint=MISSING_EXTRA
        )
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            name.repository, revision=name.revision, allow_patterns=list(FILES)
        )
    except Exception as error:  # its own kinds, and those of two HTTP libraries
        raise _explained(name, error) from error
    return Path(folder)


def origin_of(folder: Path) -> HubName | None:
    """Read the repository and the commit off a folder in the Hub's cache; None for others."""
    kind, _, repository = folder.parent.parent.name.partition("--")
    if folder.parent.name != "snapshots" or kind != "models":
        return None
    return HubName(repository.replace("--", "/"), folder.name)


def _explained(name: HubName, error: Exception) -> WeightsError:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    for kind, reason, hint in _REASONS:
        if kind in kinds:
            return WeightsError(f"{name} {reason}", hint=hint)
    return WeightsError(
        f"{name} cannot be downloaded: {first_line(error)}",
        hint="Check the network, and HF_ENDPOINT where it is set.",
    )
