"""Everything that a user may set, section by section.

The line under a field is its help text; the field's name is its option. Fields of a nested
section get no option of their own and are reached by a TOML file, the environment or `--set`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
)

StageName = Literal["pretrain", "joint", "finetune"]
TestTimeAugmentation = Literal["none", "flip", "paper"]
Protocol = Literal["strict", "reference"]
SavedKind = Literal[
    "mask",
    "overlay",
    "color",
    "contours",
    "cutouts",
    "polygons",
    "summary",
    "confidence",
    "entropy",
    "probs",
]


def _holds_files(path: Path) -> Path:
    try:
        above = next((one for one in (path, *path.parents) if one.exists()), None)
    except (OSError, ValueError):  # a name that no file can have
        return path
    if above and not above.is_dir():
        raise ValueError(f"{above} is a file, and a folder is needed")
    return path


Folder = Annotated[Path, AfterValidator(_holds_files)]
"""A folder that a command writes to: it may be missing."""

Fraction = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Flag:
    """Spells a field's option where it differs from the field's name."""

    name: str


class Section(BaseModel):
    """One table of the settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _has_no_null(cls, value: object) -> object:
        if isinstance(value, str | Path) and "\0" in str(value):
            raise ValueError("must not contain a NUL byte")
        return value


class DataSettings(Section):
    """Data."""

    root: Annotated[Folder, Flag("data")] = Path("data")
    """Folder that holds the prepared data sets."""
    dataset: list[str] = []
    """Data sets or label files, comma-separated: cihp, atr, pascal, lip, my-labels.toml."""
    workers: NonNegativeInt = 2
    """Processes that read and augment samples; 0 does this in the training process."""
    join_photos: bool = False
    """Train on all labels of a photo at once where several data sets label it."""
    share_labels: bool = False
    """Train every head on every photo: where its own data set has no labels, by the parts that
    other sets' labels leave possible, by groups, or by person masks."""
    more: Annotated[list[Path], Flag("more-data")] = []
    """More data folders, comma-separated: the run also trains on its data sets that they hold;
    scores are on the val split of the first folder."""
    more_shares: list[PositiveFloat] = []
    """A factor on the share of an epoch for each of these folders, comma-separated."""


class DecoderSettings(Section):
    """Widths of ASPP and decoder, in channels."""

    features: PositiveInt = 256
    """Channels of the ASPP branches and of the decoder's features."""
    low_level: PositiveInt = 48
    """Channels of the stride-4 features before the decoder."""
    middle: list[Literal[8, 16]] = []
    """Further strides whose features the decoder sees, each projected to `low_level` channels;
    the small backbones have them."""
    rates: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    """Dilations of ASPP; unset takes 6, 12, 18 at output stride 16, and in inverse proportion at
    others. At stride 32, crops below 400 pixels want smaller ones, as 1, 2, 4."""


class PyramidSettings(Section):
    """The graph pyramid and the ablations of the paper's Table 4."""

    levels: Literal["1-2-3", "3"] = "1-2-3"
    """Levels of the pyramid: all three, or only the parts."""
    pooling: Literal["both", "mean", "max"] = "both"
    """How a region becomes a node."""
    reasoning: Literal["attention", "convolution"] = "attention"
    """How nodes exchange features: self-attention, or graph convolution."""
    rounds: PositiveInt = 3
    """Rounds of reasoning at each level."""


class ModelSettings(Section):
    """Network."""

    backbone: Literal[
        "xception65",
        "efficientnet_lite0",
        "efficientnet_lite2",
        "movenet_thunder",
        "movenet_multipose",
    ] = "xception65"
    """Encoder: the paper's Xception, or a small one. Those of MoveNet have learned from people."""
    output_stride: Literal[8, 16, 32] | None = None
    """Pixels of the photo per pixel of the deepest features; unset takes the backbone's own: 16,
    of MoveNet 32."""
    width: PositiveFloat = 1.0
    """Multiplies every channel count of the backbone."""
    exact_dilation: bool = True
    """Dilate a small backbone so that every second feature is the one at stride 32; false is for
    EfficientNet weights that were trained without it."""
    native_side: NonNegativeInt = 0
    """Default for the longest side of photos with these weights, pixels; 0 keeps the size of the
    photos, as the paper does."""
    decoder: DecoderSettings = DecoderSettings()
    pyramid: PyramidSettings = PyramidSettings()


class OptimizerSettings(Section):
    """How parameters are updated."""

    name: Literal["sgd", "adamw"] = "sgd"
    """sgd, which the paper uses, or adamw."""
    momentum: Fraction = 0.9
    """Of SGD."""
    weight_decay: NonNegativeFloat = 5e-4
    """Of all parameters, also of batch norm and biases, as in the reference."""
    clip: NonNegativeFloat = 0.0
    """Largest norm of all gradients together; 0 turns clipping off."""
    backbone_rate: Fraction = 1.0
    """Multiplies the learning rate of the backbone; 0 freezes its parameters."""
    restart: bool = False
    """Reset the momentum when schedule.every_epochs lowers the rate, as the reference does by
    building a new optimizer."""


class ScheduleSettings(Section):
    """How the learning rate falls."""

    power: NonNegativeFloat = 0.9
    """Exponent of the poly policy."""
    warmup: NonNegativeInt = 0
    """Steps over which the rate rises from zero."""
    every_epochs: NonNegativeInt = 0
    """0 lowers the rate at every step, as in the paper; N only at the end of every N-th epoch (the
    reference has N = 10)."""


class AugmentSettings(Section):
    """Augmentation of training photos."""

    scale: tuple[PositiveFloat, PositiveFloat] = (0.5, 2.0)
    """Smallest and largest factor on the size of a photo."""
    keep_aspect: bool = False
    """Use one factor for width and height; the reference draws two."""
    even_scales: bool = False
    """Make half the size as likely as double; the reference draws large factors more often."""
    mirror: Fraction = 0.5
    """Share of samples that are mirrored, with left and right parts exchanged."""
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation, degrees."""
    color: Fraction = 0.0
    """Strength of random changes of brightness, contrast, saturation and hue."""
    blur: Fraction = 0.0
    """Share of samples that are blurred or compressed."""
    backgrounds: Path | None = None
    """Folder of photos without people, which become backgrounds."""
    background_share: Fraction = 0.3
    """Share of samples that get such a background; a tenth of these have no person."""
    copy_paste: Fraction = 0.0
    """Share of samples that get one to three people pasted from other photos."""
    copy_paste_size: tuple[PositiveFloat, PositiveFloat] = (0.4, 1.1)
    """Smallest and largest height of a photo they come from, as a share of the sample's height;
    well above 1, people are close and cut off by the edge."""
    occlude: Fraction = 0.0
    """Share of samples with an object in front of people; it is cut from `backgrounds`."""
    focus: Fraction = 0.0
    """Share of crops around a random part; rare and small parts are as likely as large ones."""
    padding: Literal["ignore", "background"] = "ignore"
    """Label beside the photo: ignore, or background as in the reference."""


class LossSettings(Section):
    """The loss that training minimizes."""

    main: NonNegativeFloat = 1.0
    """Weight of the loss of the decoder's parsing (the paper's L_main)."""
    refined: NonNegativeFloat = 1.0
    """Weight of the loss after the pyramid (the paper's lambda)."""
    coarse: NonNegativeFloat = 0.0
    """Weight of the loss of each parsing at levels 2 and 1, where probabilities of parts add up."""
    stride: Literal[1, 4] = 1
    """1: loss at the size of the photo, as in the paper; 4: at the size of the features, which is
    much faster."""
    balance: Fraction = 0.0
    """0 gives each pixel the same weight; 1 gives each part the same weight in total."""


class SelfTrainingSettings(Section):
    """Training on photos without label maps, which a teacher labels."""

    photos: list[Path] = []
    """Folders or archives (tar, zip) of photos; tags.json and person/ beside them are used."""
    teacher: Path | None = None
    """Weights that label them: a file, a run folder, or a network of others, hf:OWNER/NAME; its
    label set may be another. Unset takes what --init names."""
    confidence: Fraction = 0.8
    """Smallest probability of a pseudo label; pixels below it are ignored."""
    share: PositiveFloat = 1.0
    """Factor on their share of an epoch."""
    relabel_every: NonNegativeInt = 0
    """Epochs after which the weights of the run, averaged by `ema`, label the photos again; 0 keeps
    the labels of the teacher."""


class TrainSettings(Section):
    """Training."""

    stage: StageName = "joint"
    """Training stage, which sets the defaults of this run."""
    out: Folder | None = None
    """Run folder; runs/STAGE-TIME by default."""
    init: Path | None = None
    """Weights that a new run starts from: a file, or a run folder, of which the best are taken."""
    resume: Path | None = None
    """Folder of a run to resume at the step where it stopped. To start a new run from its weights,
    use --init."""
    epochs: PositiveInt = 100
    """Passes over the data."""
    batch_size: PositiveInt = 10
    """Photos per step, over all processes and passes together."""
    accumulate: PositiveInt = 1
    """Passes per step: 2 needs half the memory for the same batch."""
    lr: PositiveFloat = 7e-4
    """Learning rate at the first step."""
    crop: tuple[PositiveInt, PositiveInt] = (512, 512)
    """Height and width of a training sample, pixels."""
    refine: bool = True
    """Train the graph pyramid too; without it, only the decoder and the main heads."""
    mixing: Literal["alternate", "mixed"] = "alternate"
    """alternate: each step has photos of one data set, in turn; mixed: each has photos of all."""
    sampling: Literal["proportional", "balanced"] = "proportional"
    """Photos of each data set in an epoch: in proportion to its size, or the same number."""
    shares: list[PositiveFloat] = []
    """A factor on the share of an epoch for each data set, in the order of --dataset."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Precision of backbone and decoder; fp16 needs CUDA. Losses are computed in fp32."""
    compile: bool = False
    """Compile backbone and decoder before the first step; takes minutes, for long runs."""
    checkpoint_activations: bool = False
    """Compute activations again for the gradients instead of keeping them: about a quarter of the
    memory, about a third more time, the same result."""
    freeze_batch_norm: bool = False
    """Keep the statistics of batch norm fixed; its scale and shift are still trained."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the moving average of the weights, which is scored and saved; 0 keeps no average."""
    score_every: NonNegativeInt = 10
    """Epochs between two scorings on val; 0 scores only after the last epoch."""
    save_every: NonNegativeInt = 0
    """Steps between two checkpoints; 0 saves after each epoch."""
    seed: NonNegativeInt = 0
    """Seed of data order, augmentation and initial weights."""
    tensorboard: bool = False
    """Also write the curves of the run for TensorBoard (extra: tensorboard)."""
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    augment: AugmentSettings = AugmentSettings()
    loss: LossSettings = LossSettings()
    self_training: SelfTrainingSettings = SelfTrainingSettings()


class InferSettings(Section):
    """Inference."""

    weights: Path | None = None
    """Weights file, run folder, folder of a published network, or hf:OWNER/NAME[@REVISION];
    without it the weights embedded in the package."""
    labels: Path | None = None
    """Label file for a published network whose labels are not understood; see `grapy labels`."""
    tta: TestTimeAugmentation = "none"
    """Test-time augmentation: none, the mirrored photo, or the paper's six scales, each mirrored
    too."""
    longest_side: NonNegativeInt | None = None
    """Longest side of a photo for the network, pixels; 0 keeps the size of the photo. By default,
    the size that the weights were trained for. Masks always have the size of the photo."""
    tile: NonNegativeInt = 2048
    """Cut photos that are larger than this for the network, pixels, into overlapping tiles of this
    size; 0 does not. If memory is short, photos are cut without being asked for."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Precision of the network's features: bf16 is faster on many CPUs and GPUs, but changes some
    pixels at the borders of parts; `grapy bench --against` counts them."""
    reduced_jpeg: bool = False
    """Decode a JPEG at 1/2, 1/4 or 1/8 of its size, where that is still twice what the network
    takes and no output shows the photo: large photos are faster, and mIoU is slightly lower."""


class EvaluateSettings(Section):
    """Scoring."""

    split: Literal["train", "val", "test"] = "val"
    """Photos to score."""
    weights: list[Path] = []
    """Weights to score side by side, comma-separated: files, run folders, hf:OWNER/NAME, ...;
    by default infer.weights, else the weights embedded in the package."""
    tta: list[TestTimeAugmentation] = []
    """Test-time augmentations to score, comma-separated: none, flip, paper; infer.tta by
    default."""
    protocol: list[Protocol] = ["strict"]
    """How scores are computed, comma-separated: strict refuses masks that do not fit; reference
    repeats the reference implementation, with its mistakes."""
    remap: str | None = None
    """Label order of the masks in --pred, by name or as a file; their ids are translated."""
    out: Folder | None = None
    """Folder for report.html, figures, tables, masks and the scores of each photo; the same command
    resumes a run that was stopped."""
    baseline: Path | None = None
    """JSON of an earlier evaluation; exit code 8 if a score falls below it."""
    tolerance: Fraction = 0.005
    """How far a score may be below the baseline."""


class PredictSettings(Section):
    """Output."""

    out: Folder = Path("masks")
    """Folder for the results, with the subfolders of the photos; - writes the mask of one photo to
    standard output."""
    levels: list[Literal[1, 2, 3]] = [3]
    """3 parts, 2 head-torso-arms-legs, 1 person; comma-separated."""
    save: list[SavedKind] = ["mask"]
    """What to write, comma-separated: mask, overlay, color, contours, cutouts, polygons, summary,
    confidence, entropy, probs."""
    only: list[str] = []
    """Parts or groups to write, such as hair,arms; the others become background."""
    remap: str | None = None
    """Write in the label order of another tool: lip, schp-atr, viton-hd, ..., or a .toml file."""
    overlay_alpha: Fraction = 0.6
    """Opacity of the part colors in an overlay."""
    gallery: bool = False
    """Also write gallery.html, a page that shows all photos with their parsings."""
    contact_sheet: bool = False
    """Also write contact-sheet.png, small overlays side by side."""
    consistency: bool = False
    """Parse with every label set of the weights, and write where they contradict each other."""
    max_side: NonNegativeInt = 0
    """Shrink photos to this longest side while they are read, pixels; 0 does not. Masks keep the
    photo's size."""


class BatchSettings(Section):
    """Many photos."""

    overwrite: bool = False
    """Parse photos again that an earlier run has parsed."""
    dry_run: bool = False
    """List what the command would do, and do nothing."""
    fail_fast: bool = False
    """Stop at the first photo that fails."""
    shard: str = "1/1"
    """Share of the photos to parse, such as 2/3 for the second third: each machine takes one."""
    size: Annotated[PositiveInt, Flag("batch-size")] = 1
    """Photos of one size that are parsed together, with the same masks: faster on GPUs, slower on
    CPUs."""


class ServeSettings(Section):
    """Service."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is every address of this machine, open to its network."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port; 0 takes a free one."""
    waiting: NonNegativeInt = 8
    """Photos that may wait while others are parsed, one on each core; more are refused with status
    503."""
    megabytes: PositiveFloat = 20
    """Largest request, in millions of bytes; a larger one is refused with status 413."""
    megapixels: PositiveFloat = 50
    """Largest photo, in millions of pixels; a larger one is refused with status 413."""
    timeout: PositiveFloat = 60
    """Longest time for a photo, seconds, waiting included; then the answer is status 504."""


class BenchSettings(Section):
    """Measuring."""

    repeats: PositiveInt = 5
    """How often everything is measured; medians are shown."""
    size: Literal["448px", "2mp", "12mp", "48mp"] | None = None
    """Size of the photos that are measured: 448 pixels on the longest side, or 2, 12 or 48
    megapixels. Photos of other sizes are resized first; unset keeps their own."""
    form: Literal["folded", "plain"] = "folded"
    """Form of the network: folded, which parses photos, or plain, which is trained."""
    truth: Path | None = None
    """Folder of label maps at the photos' relative paths; with it masks are scored as well."""


class ExportSettings(Section):
    """Export."""

    format: Literal["onnx", "openvino"] = "onnx"
    """Engine to write for: ONNX Runtime, or OpenVINO (extras: onnx, openvino)."""
    out: Path | None = None
    """File to write; by default the name of the weights with .onnx, or .xml and .bin beside it."""
    precision: Literal["fp32", "bf16", "int8"] = "fp32"
    """Precision of the network: bf16 (only openvino) and int8 are faster and change some pixels,
    which are counted."""
    photos: Path | None = None
    """Folder of photos to check the file on; by default, made-up photos."""
    calibrate: Path | None = None
    """Folder of photos that int8 measures the range of each value on: a few dozen, as varied as the
    photos that will be parsed."""
    agreement: Fraction | None = None
    """Share of pixels that must agree with torch, else the file is not kept; by default 0.9999, in
    bf16 0.97 and in int8 0.9."""


class SyntheticSettings(Section):
    """People made on the spot."""

    labels: Annotated[list[Literal["cihp", "atr", "pascal"]], Field(min_length=1)] = ["cihp"]
    """Label sets of `--dataset synthetic`, comma-separated: cihp, atr, pascal; each of several is a
    data set of its name. Networks that are trained only on made-up people do not transfer to
    photos: use them to try things without a download, and as --more-data for rare poses."""
    count: PositiveInt = 60
    """Photos of `--dataset synthetic`."""
    size: tuple[PositiveInt, PositiveInt] = (224, 192)
    """Height and width of its photos, pixels."""


class PrepareSettings(Section):
    """Preparing."""

    source: Path | None = None
    """The release as it is downloaded: a folder, or a zip, tar or tar.gz. By default it is searched
    for in the data folder."""
    val_share: Fraction = 0.1
    """Share of photos for val if the release has no lists."""
    seed: NonNegativeInt = 0
    """Seed of the split if the release has no lists, and of synthetic people."""
    link: Literal["auto", "hard", "soft", "copy"] = "auto"
    """How photos get into the data set; auto tries a hard link, then a symbolic link, then a
    copy."""
    strict: bool = False
    """Make every problem an error instead of leaving bad samples out."""
    processes: NonNegativeInt = 0
    """Processes that work at the same time; 0 is one per core."""
    synthetic: SyntheticSettings = SyntheticSettings()


class RunSettings(Section):
    """Machine."""

    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps; auto takes CUDA, then MPS, then the CPU."""
    threads: NonNegativeInt = 0
    """CPU threads: photos that are parsed side by side, each by one thread; a single photo is
    parsed by all of them. 0 takes one per core."""
    gpus: PositiveInt = 1
    """Processes that share the work, one per GPU."""
