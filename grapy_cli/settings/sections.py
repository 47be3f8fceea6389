"""What a user may set, section by section.

The line under a field is its help text; the field's name is its option. Fields of a nested
section get no option of their own and are reached by a TOML file, the environment or `--set`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
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
        if "\0" in str(value) if isinstance(value, str | Path) else False:
            raise ValueError("A null ends no name")
        return value


class DataSettings(Section):
    """Data."""

    root: Annotated[Path, Flag("data")] = Path("data")
    """Folder that holds the prepared data sets."""
    dataset: list[str] = []
    """Data sets or label files, comma-separated: cihp, atr, pascal, my-labels.toml."""
    workers: NonNegativeInt = 2
    """Processes that read and augment samples; 0 does it in the training process."""
    join_photos: bool = False
    """Train a photo that several data sets label on all of its labels at once."""
    share_labels: bool = False
    """Train every head on every photo: where its own data set has no labels, by the parts that
    other sets' labels leave possible, by groups, or by person masks."""
    more: Annotated[list[Path], Flag("more-data")] = []
    """Further data folders, comma-separated: of the data sets, those that lie there are trained on
    as well; scores on val stay those of the first folder."""
    more_shares: list[PositiveFloat] = []
    """One number for each further data folder that multiplies its share of an epoch."""


class DecoderSettings(Section):
    """Widths of ASPP and decoder, in channels."""

    features: PositiveInt = 256
    """Channels of the ASPP branches and of the decoder's features."""
    low_level: PositiveInt = 48
    """Channels the stride-4 features are projected to before the decoder."""
    middle: list[Literal[8, 16]] = []
    """Further strides whose features the decoder sees, each projected to `low_level` channels;
    the small backbones have them."""
    rates: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    """Dilations of ASPP; unset takes 6, 12, 18 at output stride 16, and in inverse proportion at
    others. At stride 32, crops below 400 pixels want smaller ones, as 1, 2, 4."""


class PyramidSettings(Section):
    """The graph pyramid and the ablations of the paper's Table 4."""

    levels: Literal["1-2-3", "3"] = "1-2-3"
    """Floors of the pyramid: all three, or the parts alone."""
    pooling: Literal["both", "mean", "max"] = "both"
    """How a region becomes a node."""
    reasoning: Literal["attention", "convolution"] = "attention"
    """How nodes exchange what they know: self-attention, or graph convolution."""
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
    native_side: NonNegativeInt = 0
    """Longest side, pixels, photos are resized to for these weights unless told otherwise; 0
    leaves them as they are, as the paper does."""
    decoder: DecoderSettings = DecoderSettings()
    pyramid: PyramidSettings = PyramidSettings()


class OptimizerSettings(Section):
    """How parameters are updated."""

    name: Literal["sgd", "adamw"] = "sgd"
    """SGD is the paper's."""
    momentum: Fraction = 0.9
    """Of SGD."""
    weight_decay: NonNegativeFloat = 5e-4
    """On all parameters, batch norm and biases included, as in the reference."""
    clip: NonNegativeFloat = 0.0
    """Largest norm of all gradients together; 0 does not clip."""
    backbone_rate: Fraction = 1.0
    """Multiplies the learning rate of the backbone; 0 freezes its parameters."""
    restart: bool = False
    """Forget the momentum wherever schedule.every_epochs lowers the rate, as the reference does by
    making its optimizer anew."""


class ScheduleSettings(Section):
    """How the learning rate falls."""

    power: NonNegativeFloat = 0.9
    """Exponent of the poly policy."""
    warmup: NonNegativeInt = 0
    """Steps over which the rate rises from zero."""
    every_epochs: NonNegativeInt = 0
    """0 lowers the rate at every step (the paper); N only at the end of every N-th epoch
    (the reference, N = 10)."""


class AugmentSettings(Section):
    """How a training photo is varied."""

    scale: tuple[PositiveFloat, PositiveFloat] = (0.5, 2.0)
    """Smallest and largest factor a photo is resized by."""
    keep_aspect: bool = False
    """One factor for width and height; the reference draws two."""
    even_scales: bool = False
    """Halving as likely as doubling; the reference draws factors evenly, so large ones more."""
    mirror: Fraction = 0.5
    """Share of samples mirrored, left and right parts exchanged."""
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation, degrees."""
    color: Fraction = 0.0
    """Strength of changes of brightness, contrast, saturation and hue."""
    blur: Fraction = 0.0
    """Share of samples blurred or compressed."""
    backgrounds: Path | None = None
    """Folder of person-free photos to put people before."""
    background_share: Fraction = 0.3
    """Share of samples put before one of them; a tenth of those show nobody."""
    copy_paste: Fraction = 0.0
    """Share of samples that one to three people of other photos are put into."""
    occlude: Fraction = 0.0
    """Share of samples with something in the way; needs `backgrounds`, which it is cut out of."""
    focus: Fraction = 0.0
    """Share of crops laid around a part, rare and small ones as likely as large ones."""
    padding: Literal["ignore", "background"] = "ignore"
    """What lies beside the photo: not looked at, or background as in the reference."""


class LossSettings(Section):
    """What is minimized."""

    main: NonNegativeFloat = 1.0
    """Weight of the decoder's own parsing (the paper's L_main)."""
    refined: NonNegativeFloat = 1.0
    """Weight of the parsing after the pyramid (the paper's lambda)."""
    coarse: NonNegativeFloat = 0.0
    """Weight of what each parsing says at levels 2 and 1, its parts' probabilities added up."""
    stride: Literal[1, 4] = 1
    """1: at the photo's size (the paper); 4: at the features' own, much cheaper."""
    balance: Fraction = 0.0
    """0 counts pixels alike; 1 counts parts alike by their share of the training pixels."""


class SelfTrainingSettings(Section):
    """Learning from photos without label maps, which a teacher labels."""

    photos: list[Path] = []
    """Folders or archives (tar, zip) of photos; tags.json and person/ beside them are heeded."""
    teacher: Path | None = None
    """Weights file or run folder that labels them; unset takes what --init names."""
    confidence: Fraction = 0.8
    """Pixels of whose part the teacher is less certain are ignored."""
    share: PositiveFloat = 1.0
    """Multiplies their share of an epoch."""
    relabel_every: NonNegativeInt = 0
    """Epochs after which the run's own weights, averaged by `ema`, label the photos anew; 0 keeps
    what the teacher said."""


class TrainSettings(Section):
    """Training."""

    stage: StageName = "joint"
    """Row of the stage table that gives this run its defaults."""
    out: Path | None = None
    """Run folder; runs/STAGE-TIME unless said."""
    init: Path | None = None
    """Weights a new run starts from: a file, or a run folder for its best."""
    resume: Path | None = None
    """Folder of a run to go on with, at the very step where it stopped; its weights alone go to
    --init."""
    epochs: PositiveInt = 100
    """Passes over the data."""
    batch_size: PositiveInt = 10
    """Photos per step, over all processes and passes."""
    accumulate: PositiveInt = 1
    """Passes a step is made in: 2 needs half the memory for the same batch."""
    lr: PositiveFloat = 7e-4
    """Learning rate at the first step."""
    crop: tuple[PositiveInt, PositiveInt] = (512, 512)
    """Height and width of a training sample, pixels."""
    refine: bool = True
    """Train the graph pyramid as well; without it decoder and main heads alone."""
    mixing: Literal["alternate", "mixed"] = "alternate"
    """Steps of one data set each, in turn, or steps that hold photos of every data set."""
    sampling: Literal["proportional", "balanced"] = "proportional"
    """Photos of each data set in an epoch: by its size, or as many of each."""
    shares: list[PositiveFloat] = []
    """One number for each data set, in their order, that multiplies its share of an epoch."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Arithmetic of backbone and decoder; fp16 on CUDA alone. Losses are taken in fp32."""
    compile: bool = False
    """Compile backbone and decoder, which takes minutes, before the first step; for long runs."""
    checkpoint_activations: bool = False
    """Forget what the network's blocks computed, and compute it again for the gradients: about a
    quarter of the memory, about a third more work, the same result."""
    freeze_batch_norm: bool = False
    """Keep the statistics of batch norm as they are; its scale and shift go on learning."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the running average of the weights that is scored and saved; 0 keeps none."""
    score_every: NonNegativeInt = 10
    """Epochs between two scorings on val; 0 scores after the last only."""
    save_every: NonNegativeInt = 0
    """Steps between two checkpoints; 0 saves after each epoch."""
    seed: NonNegativeInt = 0
    """Of data order, augmentation and initial weights."""
    tensorboard: bool = False
    """Write the run's curves for TensorBoard as well (extra: tensorboard)."""
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    augment: AugmentSettings = AugmentSettings()
    loss: LossSettings = LossSettings()
    self_training: SelfTrainingSettings = SelfTrainingSettings()


class InferSettings(Section):
    """Inference."""

    weights: Path | None = None
    """Weights file or run folder; without it the weights embedded in the package."""
    tta: TestTimeAugmentation = "none"
    """Test-time augmentation: none, the mirrored photo, or the paper's six scales with both."""
    longest_side: NonNegativeInt | None = None
    """Pixels a photo's longest side is resized to for the network; 0 keeps the photo's own,
    unset takes what the weights were made for. Masks always have the photo's size."""
    tile: NonNegativeInt = 2048
    """Pixels above which what the network sees of a photo is cut into overlapping tiles of that
    side; 0 never. Where memory is short, that happens by itself."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the network's features: bf16 is quicker on many processors and cards, but
    costs some pixels at the borders of parts; `grapy bench --against` counts them."""


class EvaluateSettings(Section):
    """Scoring."""

    split: Literal["train", "val", "test"] = "val"
    """Photos to score."""
    weights: list[Path] = []
    """Weights files or run folders to score, comma-separated; infer.weights unless said, else the
    weights embedded in the package."""
    tta: list[TestTimeAugmentation] = []
    """Test-time augmentations to score, comma-separated: none, flip, paper; infer.tta unless
    said."""
    protocol: list[Protocol] = ["strict"]
    """Arithmetic, comma-separated: strict refuses masks that do not fit, reference repeats the
    reference implementation's, quirks included."""
    remap: str | None = None
    """Label order of the masks that --pred names, or a file with one; ids are then translated."""
    out: Path | None = None
    """Folder for report.html, figures, tables, masks and the scores of every photo; a run that was
    stopped goes on there."""
    baseline: Path | None = None
    """JSON of an earlier evaluation; a score that fell below it ends with exit code 8."""
    tolerance: Fraction = 0.005
    """How far a score may fall below the baseline."""


class PredictSettings(Section):
    """Output."""

    out: Path = Path("masks")
    """Folder for the masks; kept as deep as the photos' folders are."""
    levels: list[Literal[1, 2, 3]] = [3]
    """3 parts, 2 head-torso-arms-legs, 1 person; comma-separated."""
    save: list[SavedKind] = ["mask"]
    """What to write, comma-separated: mask, overlay, color, contours, cutouts, polygons, summary,
    confidence, entropy, probs."""
    only: list[str] = []
    """Parts or groups to write, as hair,arms; the others become background."""
    remap: str | None = None
    """Write in the label order of another tool: lip, schp-atr, viton-hd, ..., or a .toml file."""
    overlay_alpha: Fraction = 0.6
    """How much of the part colours an overlay shows."""
    gallery: bool = False
    """Write gallery.html as well, a page to look the photos through."""
    contact_sheet: bool = False
    """Write contact-sheet.png as well, small overlays side by side."""
    consistency: bool = False
    """Parse by every label set the weights know, and write where they contradict each other."""
    max_side: NonNegativeInt = 0
    """Pixels a photo's longest side is shrunk to while it is read; 0 reads all of it. Masks keep
    the photo's size."""


class BatchSettings(Section):
    """Many photos."""

    overwrite: bool = False
    """Do photos anew that an earlier run has done."""
    dry_run: bool = False
    """List what would be done, and do nothing."""
    fail_fast: bool = False
    """Stop at the first photo that fails."""
    shard: str = "1/1"
    """Which share of the photos to do, as 2/3: so that several machines share them out."""
    size: Annotated[PositiveInt, Flag("batch-size")] = 1
    """Neighbours of one size for the network that are parsed together, with the same masks: meant
    for cards, and slower on processors."""


class ServeSettings(Section):
    """Service."""

    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 is every one this machine has, open to its network."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port; 0 takes one that is free."""
    waiting: NonNegativeInt = 8
    """Photos that may wait while one is parsed; further ones are told to come again (503)."""
    megabytes: PositiveFloat = 20
    """Largest request, in millions of bytes (else 413)."""
    megapixels: PositiveFloat = 50
    """Largest photo, in millions of pixels (else 413)."""
    timeout: PositiveFloat = 60
    """Seconds a photo may take to be parsed, waiting included (else 504)."""


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
    """File to write; the weights' name unless said, with .onnx, or .xml and beside it .bin."""
    precision: Literal["fp32", "bf16", "int8"] = "fp32"
    """Arithmetic of the network: bf16 (openvino alone) and int8 are quicker and cost some pixels,
    which are counted and said."""
    photos: Path | None = None
    """Folder of photos to check the file on; without it some are drawn."""
    calibrate: Path | None = None
    """Folder of photos by which int8 finds the range of every value; a few dozen, as different as
    those to come."""
    agreement: Fraction | None = None
    """Share of pixels that must be as torch's for the file to be kept; 0.9999, 0.97 in bf16 and
    0.9 in int8 unless said."""


class SyntheticSettings(Section):
    """People made on the spot."""

    labels: Annotated[list[Literal["cihp", "atr", "pascal"]], Field(min_length=1)] = ["cihp"]
    """Label sets of `--dataset synthetic`, comma-separated: cihp, atr, pascal; of several, each
    becomes a data set of its name. Networks trained on made-up people alone don't transfer to
    photos: it is there to try everything without a download, and as --more-data for odd poses."""
    count: PositiveInt = 60
    """Photos of `--dataset synthetic`."""
    size: tuple[PositiveInt, PositiveInt] = (224, 192)
    """Height and width of its photos, pixels."""


class PrepareSettings(Section):
    """Preparing."""

    source: Path | None = None
    """The release as downloaded, a folder or a zip, tar or tar.gz; without it looked for below the
    data folder."""
    val_share: Fraction = 0.1
    """Share of photos for val where the release has no lists."""
    seed: NonNegativeInt = 0
    """Of the split that is made where the release has no lists, and of synthetic people."""
    link: Literal["auto", "hard", "soft", "copy"] = "auto"
    """How photos get into the data set; auto takes a hard link, else a soft one, else a copy."""
    strict: bool = False
    """Make every problem an error, instead of leaving bad samples out."""
    processes: NonNegativeInt = 0
    """Samples worked on at the same time; 0 is one per core."""
    synthetic: SyntheticSettings = SyntheticSettings()


class RunSettings(Section):
    """Machine."""

    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps; auto takes CUDA, then MPS, then the CPU."""
    threads: NonNegativeInt = 0
    """CPU threads: photos that are parsed side by side, each by one thread; a single photo is
    parsed by all of them. 0 takes one per core."""
    gpus: PositiveInt = 1
    """Processes that share the work, one per card."""
