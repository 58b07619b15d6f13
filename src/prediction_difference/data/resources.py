"""Where known data sets are published, and the SHA-256 of their files.

Checksums are those of torchvision's and TensorFlow's collections of data sets.
"""

from prediction_difference.data.downloads import Resource
from prediction_difference.data.sources.imagenette import Imagenette
from prediction_difference.data.sources.photographs import KnownPhotographs
from prediction_difference.data.sources.places365 import Places365

_IDX_MIRRORS = {
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/",),
    "fashion-mnist": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    "kmnist": ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
}
_IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_IDX_CHECKSUMS = {
    "mnist": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    "fashion-mnist": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    "kmnist": (
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ),
}
_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_HOUSE_NUMBERS = "http://ufldl.stanford.edu/housenumbers/"
_PLACES = "http://data.csail.mit.edu/places/places365/"
_IMAGENETTE = "https://s3.amazonaws.com/fast-ai-imageclas/"
_SUN = "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz"

_OTHERS = {
    "cifar10": (
        Resource(
            (f"{_CIFAR}cifar-10-python.tar.gz",),
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ),
    ),
    "cifar100": (
        Resource(
            (f"{_CIFAR}cifar-100-python.tar.gz",),
            "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        ),
    ),
    "svhn": (
        Resource(
            (f"{_HOUSE_NUMBERS}train_32x32.mat",),
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            is_archive=False,
        ),
        Resource(
            (f"{_HOUSE_NUMBERS}test_32x32.mat",),
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            is_archive=False,
        ),
    ),
    "sun397": (
        Resource((_SUN,), "f404130965a7ad77bed5ececc71e720ab50f3cc1e1bb257257610d38f3b928ec"),
    ),
}
_IMAGENETTE_CHECKSUMS = {
    "full": "de32de18a7d8df0114d5e2c3c14cafb9558e8f00441a73aa7953681ad02be49c",
    "320px": "5020a9130cea0348272823cb12d2db7e981c6f2afa3dce71ccd5b8013005c55e",
    "160px": "88daccb09b6fce93f45e6c09ddeb269cce705549e6bff322092a2a5a11489863",
}
# Of the large files and of the challenge's, only MD5 sums are published.
_PLACES_CHECKSUMS = {
    "filelist_places365-standard.tar": (
        "520699e00d69b63ddc29fac54645aa00ce1c10ca42e288960aa1cf791d6e9aa9"
    ),
    "filelist_places365-challenge.tar": "70a8307e459c3de41690a7c76c931734",
    "train_256_places365standard.tar": (
        "0ade5d7d38c682aa0203014a2b99ad3bf608bf1de0f151dc0d80efba54660a0a"
    ),
    "train_256_places365challenge.tar": "741915038a5e3471ec7332404dfb64ef",
    "train_large_places365standard.tar": "67e186b496a84c929568076ed01a8aa1",
    "train_large_places365challenge.tar": "605f18e68e510c82b958664ea134545f",
    "val_256.tar": "24b4e639ef12a0012af525bc4cb443e4ab4aaea8369a1fb009b70e4a4aad5d48",
    "val_large.tar": "9b71c4993ad89d2d8bcbdc4aef38042f",
    "test_256.tar": "037ee8180369bdde46636341b92900d4bcb8ea000c026a1fd3e0e9827a8702a1",
    "test_large.tar": "41a4b6b724b1d2cd862fb3871ed59913",
}


def of_set(source: str, idx_folder: str) -> tuple[Resource, ...]:
    """Files of a set of small images; idx_folder: where IDX files go, which stay packed."""
    if source not in _IDX_MIRRORS:
        return _OTHERS[source]
    mirrors = _IDX_MIRRORS[source]
    return tuple(
        Resource(tuple(f"{mirror}{file}" for mirror in mirrors), checksum, idx_folder, False)
        for file, checksum in zip(_IDX_FILES, _IDX_CHECKSUMS[source], strict=True)
    )


def of_photographs(settings: KnownPhotographs) -> tuple[Resource, ...]:
    """Files of a part of a set of photographs."""
    match settings:
        case Places365():
            return _of_places(settings)
        case Imagenette(resolution=resolution):
            suffix = "" if resolution == "full" else f"-{resolution[:-2]}"
            address = f"{_IMAGENETTE}imagenette2{suffix}.tgz"
            return (Resource((address,), _IMAGENETTE_CHECKSUMS[resolution]),)
        case _:
            return _OTHERS["sun397"]


def _of_places(settings: Places365) -> tuple[Resource, ...]:
    size = "256" if settings.small else "large"
    variant = "challenge" if settings.part == "train-challenge" else "standard"
    lists = f"filelist_places365-{variant}.tar"
    images, renamed = f"{settings.part}_{size}.tar", None
    if settings.part.startswith("train"):
        images = f"train_{size}_places365{variant}.tar"
        renamed = (f"data_{size}", f"data_{size}_{variant}")
    return (
        Resource((f"{_PLACES}{lists}",), _PLACES_CHECKSUMS[lists]),
        Resource((f"{_PLACES}{images}",), _PLACES_CHECKSUMS[images], renamed=renamed),
    )
