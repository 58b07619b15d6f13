"""Prediction difference analysis [zintgraf2017, Algorithm 1]."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.node_choices import ClassNodes, NodeChoice
from prediction_difference.choices import Channels, Count, Draws, EngineName, Positive, Precision
from prediction_difference.settings import Name, Section


class RemovedLayer(Section):
    """A hidden layer whose units are removed, in place of pixels [zintgraf2017, eq. 5]."""

    layer: str = Field(min_length=1, description="name of a module of the network")
    features: Literal["windows", "units"] = Field(
        "windows",
        description="windows: all maps together in a window of the layer's places; units: every "
        "unit alone, with window: 1",
    )
    patch: int | None = Field(
        None,
        ge=1,
        description="side, in the layer's places, of what the conditional sampler knows around a "
        "window or unit; null: window + 2, for units 1",
    )
    maps: Channels = Field(
        "joint", description="for the conditional sampler; independent: no correlation of maps"
    )
    images: int = Field(
        1000, ge=2, description="reference images whose activations are drawn from, at most"
    )

    def neighbourhood(self, window: int) -> int:
        """Side of what the conditional sampler knows, in places."""
        if self.patch is not None:
            return self.patch
        return 1 if self.features == "units" else window + 2


class PredictionDifference(Method):
    """Prediction difference analysis [zintgraf2017, Algorithm 1]."""

    default_output: ClassVar[Literal["probability", "score"]] = "probability"
    explains_layers: ClassVar[bool] = True
    explains_anew: ClassVar[bool] = False

    method: Literal["prediction-difference"]
    images_per_job: int = Field(8, ge=1, description="images that one job works on")
    sampler: Literal["conditional", "marginal"] = "conditional"
    prior: Name | None = Field(None, description="for the conditional sampler")
    reference: Name | None = Field(
        None, description="dataset of the marginal sampler; null: the classifier's"
    )
    window: Count = Field(10, description="side k of a window, in pixels or voxels")
    stride: Count = Field(1, description="step between windows, in pixels or voxels")
    samples: Draws = Field(10, description="draws per window, S")
    clip: bool = Field(False, description="clip draws to the range of the dataset's images")
    standard_error: Positive | None = Field(
        None,
        description="draw for a window, `samples` at a time, until its standard error is at most "
        "this, in the relevance's unit; null: draw `samples` times",
    )
    max_samples: Draws = Field(1000, description="draws per window, with standard_error")
    removed: RemovedLayer | None = Field(
        None, description="a hidden layer, on whose output windows are taken; null: the image"
    )
    engine: EngineName = Field(
        "auto",
        description="dense: whole forward passes; incremental: only what a window changes; linear: "
        "none, for logistic regression; auto: the fastest that fits, all with the same values",
    )
    batch_size: Count | None = Field(
        None, description="images per forward pass; null: sized to memory"
    )
    precision: Precision = Field(
        "float32",
        description="of forward passes; bfloat16 where it costs less than half the sampling error",
    )
    chunks: int = Field(1, ge=1, description="jobs that share one image; each takes whole rows")

    @property
    def chunk_count(self) -> int:
        return self.chunks

    @property
    def prior_name(self) -> str | None:
        return self.prior

    @property
    def reference_name(self) -> str | None:
        return self.reference

    @property
    def removes_layer(self) -> bool:
        return self.removed is not None

    def windows_of(self, prior: str) -> set[int]:
        return {self.window} if prior == self.prior else set()

    @model_validator(mode="after")
    def _keys_fit(self) -> "PredictionDifference":
        if self.removed is None and self.sampler == "conditional" and self.prior is None:
            raise ValueError("the conditional sampler needs a prior; name one of the priors")
        if self.sampler == "marginal" and self.prior is not None:
            raise ValueError("the marginal sampler takes no prior; remove the key prior")
        is_of_pixels = self.sampler == "conditional" and self.removed is None
        if is_of_pixels and self.reference is not None:
            raise ValueError("the conditional sampler takes no reference; remove the key")
        if self.stride > self.window:
            raise ValueError(
                f"stride={self.stride} leaves pixels between windows of side {self.window}; "
                f"set stride to at most {self.window}"
            )
        return self

    @model_validator(mode="after")
    def _samples_suffice(self) -> "PredictionDifference":
        if self.standard_error is None:
            return self
        if self.max_samples < self.samples:
            raise ValueError(
                f"max_samples={self.max_samples} is less than samples={self.samples}; raise it"
            )
        classes = NodeChoice | ClassNodes
        bits = {isinstance(node, classes) and node.output != "score" for node in self.nodes}
        if len(bits) > 1:
            raise ValueError(
                "standard_error is for nodes of one unit, some are in bits and some activations; "
                "explain them apart"
            )
        return self

    @model_validator(mode="after")
    def _removed_layer_fits(self) -> "PredictionDifference":
        removed = self.removed
        if removed is None:
            return self
        if self.prior is not None:
            raise ValueError(
                "a removed layer takes no prior, its activations are fitted; remove the key prior"
            )
        if self.clip or self.precision != "float32" or self.engine not in ("auto", "dense"):
            raise ValueError(
                "clip, precision and engine are for windows of images, not for removed layers; "
                "leave them at their defaults"
            )
        if removed.features == "units" and self.window != 1:
            raise ValueError("units are removed one by one; set window to 1")
        is_window = removed.features == "windows" and self.sampler == "conditional"
        if is_window and removed.neighbourhood(self.window) <= self.window:
            raise ValueError(
                f"window={self.window} does not fit inside removed.patch={removed.patch}; "
                f"set patch to at least {self.window + 1}"
            )
        return self
