"""Marginal sampling: the same place in other images [zintgraf2017, eq. 2]."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.priors.sampling import LayerMaterial, Material, Sampling

if TYPE_CHECKING:
    from prediction_difference.priors.draws import Sampler


class Marginal(Sampling):
    """Contents of the same window in other images [zintgraf2017, eq. 2]."""

    takes_reference: ClassVar[bool] = True
    draws_layers: ClassVar[bool] = True

    sampler: Literal["marginal"]

    def in_words(self, source: str = "", of_layer: bool = False) -> str:
        return "marginal sampling" + (f" from {source}" if source else "")

    def of_images(self, material: Material) -> "Sampler":
        from prediction_difference.priors.marginal import MarginalSampler

        assert material.images is not None
        return MarginalSampler(material.images, material.window)

    def of_layer(self, material: LayerMaterial) -> "Sampler":
        from prediction_difference.priors.marginal import MarginalSampler

        found = material.activations
        return MarginalSampler(found[:, None] if material.is_single else found, material.window)
