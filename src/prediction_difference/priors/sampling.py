"""The protocol of samplings: from what the contents of windows are drawn."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from prediction_difference.choices import Channels
from prediction_difference.errors import DataError, telling_faults
from prediction_difference.settings import Concept

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.priors.draws import Sampler
    from prediction_difference.priors.kind import Fitted


@dataclass(frozen=True)
class Material:
    """What a sampler of images' windows is made from; nothing of it saw the explained images.

    window: side k. prior: for a sampling that needs one. images: (n, C, *spatial) reference images,
    for a sampling that takes them. clip: lowest and highest value that draws may have, or None.
    """

    window: int
    prior: "Fitted | None"
    images: "np.ndarray | None"
    clip: tuple[float, float] | None
    seed: int


@dataclass(frozen=True)
class LayerMaterial:
    """What a sampler of a hidden layer's output is made from.

    activations: (n, maps, *places), or (n, units), for reference images. patch: side of what is
    known around a window or unit, in places. maps: whether maps are drawn together. is_single:
    whether units are removed one by one.
    """

    window: int
    activations: "np.ndarray"
    patch: int
    maps: Channels
    is_single: bool
    seed: int


class Sampling(Concept):
    """From what the contents of windows are drawn."""

    chosen_by: ClassVar[str] = "sampler"
    needs_prior: ClassVar[bool] = False
    """Whether windows of images are drawn from a prior, which the explanation names."""
    takes_reference: ClassVar[bool] = False
    """Whether windows of images are drawn from images of a dataset."""
    is_conditional: ClassVar[bool] = False
    """Whether draws depend on what is around a window."""
    draws_layers: ClassVar[bool] = False
    """Whether outputs of hidden layers can be drawn."""

    sampler: str

    @property
    def in_short(self) -> str:
        """Its name in a label."""
        return self.sampler.rpartition(":")[2]

    def in_words(self, source: str = "", of_layer: bool = False) -> str:
        """What is drawn, as a part of a sentence.

        source: from what, empty if that is not known. of_layer: of a hidden layer's output.
        """
        own = self.model_dump(exclude={"sampler"}).items()
        said = "".join(f", {key} = {value}" for key, value in own)
        return f"draws by {self.sampler}{said}" + (f" from {source}" if source else "")

    def made_of(self, material: Material | LayerMaterial) -> "Sampler":
        """What draws, made from the material.

        Raises:
            DataError: a sampling of the user's own fails, or makes no sampler.
        """
        from prediction_difference.priors.draws import Sampler

        where = f"sampler {self.sampler}"
        is_of_images = isinstance(material, Material)
        with telling_faults(where, self.sampler, "of_images" if is_of_images else "of_layer"):
            made: object = (
                self.of_images(material)
                if isinstance(material, Material)
                else self.of_layer(material)
            )
        if not isinstance(made, Sampler):
            remedy = "return what has `window` and `sample`"
            raise DataError(where, f"makes {type(made).__name__}, which is no sampler", remedy)
        return made

    @abstractmethod
    def of_images(self, material: Material) -> "Sampler":
        """What draws windows of images.

        Raises:
            DataError: the material does not do for it.
        """

    def of_layer(self, material: LayerMaterial) -> "Sampler":
        """What draws windows or units of a hidden layer's output, where `draws_layers` says so."""
        raise DataError(f"sampler {self.sampler}", "has no method of_layer", "add one")
