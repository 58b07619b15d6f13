"""The configuration, as a model: every key with its meaning, unit, bounds and default."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from prediction_difference.choices import Channels, Count, Location, Regularisation
from prediction_difference.config.claims import AnyClaim as AnyClaim
from prediction_difference.config.claims import Cheaper as Cheaper
from prediction_difference.config.claims import Claims as Claims
from prediction_difference.config.claims import Consistent as Consistent
from prediction_difference.config.claims import DistinctClasses as DistinctClasses
from prediction_difference.config.claims import DominantClass as DominantClass
from prediction_difference.config.claims import EnoughSamples as EnoughSamples
from prediction_difference.config.claims import FindsDamage as FindsDamage
from prediction_difference.config.claims import FollowsAccuracy as FollowsAccuracy
from prediction_difference.config.claims import LargerAopc as LargerAopc
from prediction_difference.config.claims import LessOutside as LessOutside
from prediction_difference.config.claims import LessScattered as LessScattered
from prediction_difference.config.claims import MeasurableEffect as MeasurableEffect
from prediction_difference.config.claims import MoreConcentrated as MoreConcentrated
from prediction_difference.config.claims import ReachesAccuracy as ReachesAccuracy
from prediction_difference.config.claims import SimilarClasses as SimilarClasses
from prediction_difference.config.claims import Simpler as Simpler
from prediction_difference.config.claims import SparserLayer as SparserLayer
from prediction_difference.config.claims import SpecificToImage as SpecificToImage
from prediction_difference.config.claims import (
    StrongFeaturesSuffice as StrongFeaturesSuffice,
)
from prediction_difference.config.claims import WithinTime as WithinTime
from prediction_difference.config.classifiers import NORMALISATIONS as NORMALISATIONS
from prediction_difference.config.classifiers import Checkpoint as Checkpoint
from prediction_difference.config.classifiers import Classifier as Classifier
from prediction_difference.config.classifiers import (
    DetectionPoolingNetwork as DetectionPoolingNetwork,
)
from prediction_difference.config.classifiers import EfficientNetLite0 as EfficientNetLite0
from prediction_difference.config.classifiers import FineTunedNetwork as FineTunedNetwork
from prediction_difference.config.classifiers import LogisticRegression as LogisticRegression
from prediction_difference.config.classifiers import Normalisation as Normalisation
from prediction_difference.config.classifiers import ScikitLearnClassifier as ScikitLearnClassifier
from prediction_difference.config.classifiers import TorchNetwork as TorchNetwork
from prediction_difference.config.classifiers import TorchvisionNetwork as TorchvisionNetwork
from prediction_difference.config.classifiers import TrainedNetwork as TrainedNetwork
from prediction_difference.config.classifiers import WeightsFrom as WeightsFrom
from prediction_difference.config.classifiers import weights_from as weights_from
from prediction_difference.config.datasets import SUN397 as SUN397
from prediction_difference.config.datasets import Dataset as Dataset
from prediction_difference.config.datasets import DigitPairs as DigitPairs
from prediction_difference.config.datasets import ImageFolder as ImageFolder
from prediction_difference.config.datasets import ImageNet as ImageNet
from prediction_difference.config.datasets import Imagenette as Imagenette
from prediction_difference.config.datasets import KnownPhotographs as KnownPhotographs
from prediction_difference.config.datasets import NiftiCohort as NiftiCohort
from prediction_difference.config.datasets import Photographs as Photographs
from prediction_difference.config.datasets import Places365 as Places365
from prediction_difference.config.datasets import SimulatedFA as SimulatedFA
from prediction_difference.config.datasets import SkimageSamples as SkimageSamples
from prediction_difference.config.datasets import SklearnDigits as SklearnDigits
from prediction_difference.config.datasets import Slab as Slab
from prediction_difference.config.datasets import Split as Split
from prediction_difference.config.datasets import StanfordDogs as StanfordDogs
from prediction_difference.config.datasets import TorchvisionSet as TorchvisionSet
from prediction_difference.config.datasets import Volumes as Volumes
from prediction_difference.config.evaluations import Aggregation as Aggregation
from prediction_difference.config.evaluations import CohortAccuracy as CohortAccuracy
from prediction_difference.config.evaluations import Consistency as Consistency
from prediction_difference.config.evaluations import Continuity as Continuity
from prediction_difference.config.evaluations import Dominance as Dominance
from prediction_difference.config.evaluations import Evaluation as Evaluation
from prediction_difference.config.evaluations import HeatmapComplexity as HeatmapComplexity
from prediction_difference.config.evaluations import ImageSpecificity as ImageSpecificity
from prediction_difference.config.evaluations import LocationStudy as LocationStudy
from prediction_difference.config.evaluations import RegionPerturbation as RegionPerturbation
from prediction_difference.config.evaluations import StrongFeatures as StrongFeatures
from prediction_difference.config.explanations import AlphaBetaRelevance as AlphaBetaRelevance
from prediction_difference.config.explanations import Deconvolution as Deconvolution
from prediction_difference.config.explanations import DeepTaylor as DeepTaylor
from prediction_difference.config.explanations import DeviationFromMean as DeviationFromMean
from prediction_difference.config.explanations import EpsilonRelevance as EpsilonRelevance
from prediction_difference.config.explanations import Explanation as Explanation
from prediction_difference.config.explanations import ExplanationSettings as ExplanationSettings
from prediction_difference.config.explanations import GradientTimesInput as GradientTimesInput
from prediction_difference.config.explanations import GuidedBackpropagation as GuidedBackpropagation
from prediction_difference.config.explanations import HaufePattern as HaufePattern
from prediction_difference.config.explanations import ImageChoice as ImageChoice
from prediction_difference.config.explanations import Images as Images
from prediction_difference.config.explanations import IntegratedGradients as IntegratedGradients
from prediction_difference.config.explanations import LayerwiseRelevance as LayerwiseRelevance
from prediction_difference.config.explanations import LinearWeights as LinearWeights
from prediction_difference.config.explanations import Occlusion as Occlusion
from prediction_difference.config.explanations import PredictionDifference as PredictionDifference
from prediction_difference.config.explanations import RandomOrder as RandomOrder
from prediction_difference.config.explanations import Segmentation as Segmentation
from prediction_difference.config.explanations import Sensitivity as Sensitivity
from prediction_difference.config.explanations import Taylor as Taylor
from prediction_difference.config.figures import ClearPanels as ClearPanels
from prediction_difference.config.figures import ComparedAreas as ComparedAreas
from prediction_difference.config.figures import ComparedCurves as ComparedCurves
from prediction_difference.config.figures import ComparedMethods as ComparedMethods
from prediction_difference.config.figures import ComplexityPlots as ComplexityPlots
from prediction_difference.config.figures import ConsistencyPlots as ConsistencyPlots
from prediction_difference.config.figures import ContinuityArrows as ContinuityArrows
from prediction_difference.config.figures import DrawnFigure as DrawnFigure
from prediction_difference.config.figures import FeatureMaps as FeatureMaps
from prediction_difference.config.figures import Figure as Figure
from prediction_difference.config.figures import HeatmapPanels as HeatmapPanels
from prediction_difference.config.figures import LocationPoints as LocationPoints
from prediction_difference.config.figures import MeasuredFigure as MeasuredFigure
from prediction_difference.config.figures import Panel as Panel
from prediction_difference.config.figures import PerturbationCurves as PerturbationCurves
from prediction_difference.config.figures import RegionShares as RegionShares
from prediction_difference.config.figures import ShownPanel as ShownPanel
from prediction_difference.config.figures import StrongFeatureCurves as StrongFeatureCurves
from prediction_difference.config.figures import TrainingCurves as TrainingCurves
from prediction_difference.config.figures import TurnedImages as TurnedImages
from prediction_difference.config.figures import VolumeSlices as VolumeSlices
from prediction_difference.config.nodes import AnyNode as AnyNode
from prediction_difference.config.nodes import ClassNodes as ClassNodes
from prediction_difference.config.nodes import LayerMaps as LayerMaps
from prediction_difference.config.nodes import LayerUnit as LayerUnit
from prediction_difference.config.nodes import NodeChoice as NodeChoice
from prediction_difference.config.nodes import RemovedLayer as RemovedLayer
from prediction_difference.config.section import Name as Name
from prediction_difference.config.section import Section as Section


class Run(Section):
    """What holds for the whole run."""

    name: Name = Field("run", description="results lie in results/<name>/")
    seed: int = Field(0, ge=0, lt=2**63, description="of everything random in the run")
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:<number>"
    )
    paper: Name | None = Field(
        None, description="the paper whose figures these are: their subfolder, and a target's name"
    )
    setting: str = Field(
        "", description="what figures are to say of the settings, such as small: stride 8, S = 4"
    )


# --- priors -----------------------------------------------------------------------------------


class GaussianPrior(Section):
    """A multivariate normal distribution over patches."""

    kind: Literal["gaussian"] = "gaussian"
    dataset: Name = Field(description="where the patches come from")
    patch: int = Field(14, ge=2, description="side l of a patch, in pixels or voxels")
    channels: Channels = Field(
        "joint", description="independent: no correlation between channels, as in the 2017 code"
    )
    patches: int = Field(25_000, ge=100, description="number of patches drawn")
    regularisation: Regularisation = Field(
        "ridge", description="ledoit-wolf: shrinks the covariance by as much as the patches ask for"
    )
    ridge: float = Field(
        1e-4, gt=0, description="added to the diagonal, times its mean; for regularisation: ridge"
    )
    location: Literal["auto", Location] = Field(
        "auto",
        description="what the place alone tells, taken off before the fit: a mean that is linear "
        "in the indices of a grid's cells, the mean of each cell, or of each pixel; auto: "
        "voxel-mean for volumes, whose voxels mean the same in all subjects, none for other images",
    )
    cells: Count = Field(
        20, description="cells of that grid along each axis; for the grid's locations"
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> "GaussianPrior":
        # Defaults pass, so that a configuration that is written out in full can be read again.
        default = {name: field.default for name, field in type(self).model_fields.items()}
        if self.regularisation == "ledoit-wolf" and self.ridge != default["ridge"]:
            raise ValueError("ledoit-wolf takes no ridge; remove the key ridge")
        if not self.location.startswith("grid") and self.cells != default["cells"]:
            raise ValueError(f"location: {self.location} has no grid; remove the key cells")
        return self

    def location_for(self, volumes: bool) -> Location:
        """What is taken off the images, of volumes or of others."""
        if self.location == "auto":
            return "voxel-mean" if volumes else "none"
        return self.location


Prior = Annotated[GaussianPrior, Field()]


class Config(Section):
    """The whole configuration of a run."""

    run: Run = Run()
    datasets: dict[Name, Dataset] = Field(min_length=1)
    priors: dict[Name, Prior] = Field({})
    classifiers: dict[Name, Classifier] = Field({})
    explanations: dict[Name, ExplanationSettings] = Field({})
    evaluations: dict[Name, Evaluation] = Field({})
    figures: dict[Name, Figure] = Field({})
