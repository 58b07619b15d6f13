"""Conditional sampling: contents of windows given what is around [zintgraf2017, eq. 4]."""

from typing import TYPE_CHECKING, ClassVar, Literal

from prediction_difference.priors.sampling import LayerMaterial, Material, Sampling

if TYPE_CHECKING:
    from prediction_difference.priors.draws import Sampler


class Conditional(Sampling):
    """Contents of a window given what is around, from a fitted prior [zintgraf2017, eq. 4]."""

    needs_prior: ClassVar[bool] = True
    is_conditional: ClassVar[bool] = True
    draws_layers: ClassVar[bool] = True

    sampler: Literal["conditional"] = "conditional"

    def in_words(self, source: str = "", of_layer: bool = False) -> str:
        fitted = "a normal distribution of " if of_layer else ""
        return "conditional sampling" + (f" from {fitted}{source}" if source else "")

    def of_images(self, material: Material) -> "Sampler":
        assert material.prior is not None
        return material.prior.sampler(material.window, material.clip)

    def of_layer(self, material: LayerMaterial) -> "Sampler":
        """From a normal distribution over neighbourhoods of the layer's places, fitted here."""
        from prediction_difference.priors.conditional import ConditionalSampler
        from prediction_difference.priors.gaussian import GaussianPatchPrior
        from prediction_difference.priors.unit_sampler import UnitSampler

        activations, maps, seed = material.activations, material.maps, material.seed
        if material.is_single:
            side = material.patch if activations.ndim > 2 else 1
            return UnitSampler.fit(activations, side, maps, seed=seed)
        prior = GaussianPatchPrior.fit(
            activations, material.patch, maps, seed=seed, regularisation="ledoit-wolf"
        )
        return ConditionalSampler(prior, material.window)
