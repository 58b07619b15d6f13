"""Fashion-MNIST: 70 000 pieces of clothing."""

from typing import ClassVar, Literal

from prediction_difference.data.sources.torchvision_sets import IdxSet


class FashionMNIST(IdxSet):
    """Fashion-MNIST: 70 000 pieces of clothing."""

    torchvision_name: ClassVar[str] = "FashionMNIST"
    mirrors: ClassVar[tuple[str, ...]] = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    )
    # The checksums are those of torchvision's collection.
    checksums: ClassVar[tuple[str, ...]] = (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    )

    source: Literal["fashion-mnist"]
