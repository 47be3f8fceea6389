"""The settings tree, the same for all commands, for `grapy.toml` and for a run folder."""

from grapy_cli.settings.sections import (
    BatchSettings,
    BenchSettings,
    DataSettings,
    EvaluateSettings,
    ExportSettings,
    InferSettings,
    ModelSettings,
    PredictSettings,
    PrepareSettings,
    RunSettings,
    Section,
    ServeSettings,
    TrainSettings,
)


class Settings(Section):
    """Everything that can be set."""

    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    infer: InferSettings = InferSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    predict: PredictSettings = PredictSettings()
    batch: BatchSettings = BatchSettings()
    prepare: PrepareSettings = PrepareSettings()
    serve: ServeSettings = ServeSettings()
    bench: BenchSettings = BenchSettings()
    export: ExportSettings = ExportSettings()
    run: RunSettings = RunSettings()

    def having(self, section: str, **values: object) -> "Settings":
        """Return settings with other, checked values in one section."""
        own = getattr(self, section).model_copy(update=values)
        return self.model_copy(update={section: own})
