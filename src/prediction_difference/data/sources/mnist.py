"""MNIST: 70 000 handwritten digits."""

from typing import ClassVar, Literal

from prediction_difference.data.sources.torchvision_sets import IdxSet


class MNIST(IdxSet):
    """MNIST: 70 000 handwritten digits."""

    torchvision_name: ClassVar[str] = "MNIST"
    mirrors: ClassVar[tuple[str, ...]] = ("https://ossci-datasets.s3.amazonaws.com/mnist/",)
    # The checksums are those of torchvision's collection.
    checksums: ClassVar[tuple[str, ...]] = (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    )

    source: Literal["mnist"]

    @property
    def known_classes(self) -> tuple[str, ...]:
        return tuple("0123456789")
