"""Kuzushiji-MNIST: 70 000 handwritten characters of Japanese."""

from typing import ClassVar, Literal

from prediction_difference.data.sources.torchvision_sets import IdxSet


class KMNIST(IdxSet):
    """Kuzushiji-MNIST: 70 000 handwritten characters of Japanese."""

    torchvision_name: ClassVar[str] = "KMNIST"
    mirrors: ClassVar[tuple[str, ...]] = ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
    # The checksums are those of torchvision's collection.
    checksums: ClassVar[tuple[str, ...]] = (
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    )

    source: Literal["kmnist"]
