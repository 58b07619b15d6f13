"""Which sampler finds the damage, over many simulated cohorts [zintgraf2017, section 4.2]."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from prediction_difference import layout
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.costs import Work
from prediction_difference.errors import Problem
from prediction_difference.evaluation.measure import Inputs, Measure, Summary, work_of_simulation
from prediction_difference.lookup import Lookup, Shapes, by
from prediction_difference.run import Config
from prediction_difference.settings import Name, Section

LocationMethod = Literal[
    "gaussian",
    "grid-index",
    "grid-cell",
    "voxel-mean",
    "marginal",
    "weights",
    "pattern",
    "deviation",
    "weighted-deviation",
    "occlusion",
]


class LocationStudy(Measure):
    """Which sampler finds the damage, over many simulated cohorts [zintgraf2017, section 4.2]."""

    reads_maps: ClassVar[bool] = False
    parts_are: ClassVar[Literal["shard", "cohort"] | None] = "cohort"

    measure: Literal["location"]
    dataset: Name = Field(
        description="of source: simulated-fa; every cohort is made as it is, with a seed of its own"
    )
    cohorts: int = Field(20, ge=2, description="simulated cohorts, one job each")
    methods: Annotated[tuple[LocationMethod, ...], Field(min_length=1)] = Field(
        get_args(LocationMethod),
        description="gaussian, the two grids and voxel-mean: prediction differences with a prior "
        "whose location is none, or that; marginal: with the empirical distribution; weights, "
        "pattern, deviation, occlusion: other methods; weighted-deviation: deviation times weights",
    )
    C: float = Field(1.0, gt=0, description="inverse strength of the L2 penalty of the classifier")
    window: int = Field(3, ge=1, description="side k of a window, in voxels")
    patch: int = Field(7, ge=2, description="side l of a patch, in voxels")
    stride: int = Field(1, ge=1, description="step between windows, in voxels")
    samples: int = Field(10, ge=2, description="draws per window of the marginal sampler, S")
    patches: int = Field(10_000, ge=100, description="that priors are fitted to")
    cells: int = Field(20, ge=1, description="cells of the grids along each axis")

    @property
    def explanations(self) -> tuple[str, ...]:
        """It makes its own."""
        return ()

    @model_validator(mode="after")
    def _sides_fit(self) -> "LocationStudy":
        if self.window >= self.patch:
            raise ValueError(
                f"window={self.window} does not fit inside patch={self.patch}; set patch to at "
                f"least {self.window + 1}"
            )
        if self.stride > self.window:
            raise ValueError(f"stride={self.stride} leaves voxels out; set it to {self.window}")
        return self

    def behind(self, config: Config) -> list[Section]:
        return [config.datasets[self.dataset]]

    def is_clinical(self, config: Config) -> bool:
        return bool(config.datasets[self.dataset].is_clinical)

    def parts(self, config: Config) -> int:
        return self.cohorts

    def of_part(self) -> dict[str, Any]:
        """All but how many cohorts there are."""
        return self.model_dump(mode="json", exclude={"cohorts"})

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """Only a simulated cohort has known damage, and others like it."""
        yield from lookup.missing(f"{where}.dataset", "datasets", self.dataset)
        dataset = lookup.entry("datasets", self.dataset)
        if dataset is None:
            return
        if not dataset.is_simulated or dataset.folds is None:
            what = f"{self.dataset!r} is no simulated cohort with folds"
            yield Problem(f"{where}.dataset", what, "name a simulated one, and set folds")
            return
        shape = lookup.shape_of(dataset)
        if shape is not None and self.patch > min(shape):
            yield Problem(
                f"{where}.patch",
                f"patch={self.patch} does not fit inside volumes of {by(shape)}",
                f"set it to at most {min(shape)}",
            )

    def work(self, name: str, config: Config, shapes: Shapes) -> Work:
        return work_of_simulation(name, self, self.cohorts + 1)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.location import join_cohorts

        return join_cohorts(layout.cohort_tables(inputs.results, inputs.name, self.cohorts))

    def summary(self, table: Any) -> Summary:
        from prediction_difference.evaluation.location import summarise_location

        settings = table.attrs["settings"]
        accuracy = table[table["quantity"] == "accuracy"]["value"].mean()
        meaning = (
            f"Over {table['cohort'].nunique()} simulated cohorts whose classifier is right for "
            f"{accuracy:.1%} of subjects on average, out of fold: how well the mean relevance in a "
            "region tells patients who were hit there from those of their fold who were not (area "
            "under the curve, mean over regions; 0.5 is chance), and correlation of maps between "
            "subjects of one class and of two. Means over cohorts, with 95 % bootstrap intervals. "
            f"Windows of side {settings['window']} at stride {settings['stride']}, patches of side "
            f"{settings['patch']}."
        )
        rows = []
        for row in summarise_location(table).to_dict("records"):
            values = [
                f"{row[key]:.2f} ({row[f'{key}_low']:.2f} to {row[f'{key}_high']:.2f})"
                for key in ("auc", "within", "across")
            ]
            is_difference = row["method"] in _DRAWN
            method = PredictionDifference.word() if is_difference else row["method"]
            rows.append([row["method"], method, str(row["cohorts"]), *values])
        return Summary(
            meaning, ["cohorts", "AUC of hits", "within a class", "across classes"], rows
        )


_DRAWN = ("gaussian", "grid-index", "grid-cell", "voxel-mean", "marginal")
"""Methods of a study that are prediction differences, each with another sampler."""
