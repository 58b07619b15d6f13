"""The maps that the interactive page offers, packed, and what it leaves out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prediction_difference.errors import StoreError
from prediction_difference.figures import captions
from prediction_difference.figures.maps import Map
from prediction_difference.report import map_facts
from prediction_difference.report.packing import Packed, pack, pack_picture
from prediction_difference.report.tables import Stored

MEGABYTE = 10**6

ImageKey = tuple[str, str]
"""Name of an image, and its dataset."""


@dataclass(frozen=True)
class Room:
    """How many letters the packed contents of a page, and those of one map, may take.

    A map of 224 x 224 pixels with its errors takes 0.2 million at stride 1, and less than a tenth
    of that at stride 8.
    """

    page: int = 32 * MEGABYTE
    map: int = 2 * MEGABYTE


ROOM = Room()


@dataclass(frozen=True)
class Catalogue:
    """What the page shows: JSON-like facts, packed contents by name, and what is not there.

    images: pictures and what they are called. stores: what all maps of a store share. maps: each
    with the numbers of its image and store, and the `facets` that it is chosen by. contents: text
    by the name under which facts refer to it. left_out: in words.
    """

    images: Sequence[Mapping[str, Any]]
    stores: Sequence[Mapping[str, Any]]
    maps: Sequence[Mapping[str, Any]]
    contents: Mapping[str, str]
    left_out: Sequence[str]


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A map that could be shown, without its numbers, of which a run may have more than memory.

    key: equal for maps that are the same, such as those of the predicted class and the label.
    unfit: why it cannot be laid over its image; empty if it can. largest: its relevance. facts,
    facets: as `map_facts` has them.
    """

    stored: Stored
    number: int
    image: ImageKey
    key: tuple[str, ...]
    group: str
    unfit: str
    is_of_class: bool
    largest: float
    facts: Mapping[str, Any]
    facets: Mapping[str, Any]

    @classmethod
    def of(cls, stored: Stored, number: int, one: Map) -> "_Candidate":
        """A map of a store."""
        image = one.image_name, str(one.attributes["dataset"])
        return cls(
            stored,
            number,
            image,
            (*image, one.explanation, map_facts.node_key(one)),
            f"{one.explanation}, {map_facts.layer(one)}",
            _unfit(one, stored.path),
            one.is_of_class,
            one.largest,
            map_facts.of_map(one),
            map_facts.facets(one),
        )

    @property
    def path(self) -> Path:
        return self.stored.path

    def read(self) -> Map:
        """The map with its numbers."""
        return self.stored.maps[self.number]


@dataclass(frozen=True)
class _Shown:
    """A map that is shown, and its packed numbers by name."""

    candidate: _Candidate
    packed: Mapping[str, Packed]


@dataclass
class _Choice:
    """Maps for which there is room, the pictures of their images, and how many others there are.

    refused: by group and reason.
    """

    shown: dict[_Candidate, _Shown] = field(default_factory=dict)
    pictures: dict[ImageKey, str] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)


def catalogue(
    stored: Iterable[Stored], link: Callable[[Path], str], room: Room = ROOM
) -> Catalogue:
    """Every two-dimensional map of an image's pixels, as far as there is room.

    Maps of classes come before those of layers, and of these the ones with the largest relevance
    in each image. link: address of a store.

    Raises:
        StoreError: relevance and image of a store have different sides.
    """
    everything = [
        _Candidate.of(some, number, one) for some in stored for number, one in enumerate(some.maps)
    ]
    unfit: Counter[str] = Counter()
    fit: dict[tuple[str, ...], _Candidate] = {}
    for one in everything:
        if one.unfit:
            unfit[one.unfit] += 1
        else:
            fit.setdefault(one.key, one)
    candidates = list(fit.values())
    choice = _choose(candidates, room)
    totals = Counter(one.group for one in candidates)
    return _described(
        [choice.shown[one] for one in candidates if one in choice.shown],
        choice.pictures,
        link,
        [
            *(f"{reason}: {captions.count(n, 'map')}." for reason, n in unfit.items()),
            *(
                f"{group}: {n:,} of {captions.count(totals[group], 'map')}, {reason}."
                for (group, reason), n in choice.refused.items()
            ),
        ],
    )


def _unfit(one: Map, path: Path) -> str:
    """Why a map cannot be laid over its image; empty if it can."""
    sides, image_sides = one.relevance.shape, one.image.shape[1:]
    if one.removed_layer is not None:
        place = f"{one.explanation}, removed layer {one.removed_layer}"
        return f"{place} (its places are no pixels)"
    if sides != image_sides:
        raise StoreError(
            path,
            f"its relevance has sides {sides}, its image {image_sides}",
            "delete it and make it again",
        )
    if len(sides) != 2:
        return f"{one.explanation} (volumes; figures show them in slices)"
    return ""


def _choose(candidates: Sequence[_Candidate], room: Room) -> _Choice:
    """The most important maps; once the page is full, none that matters less is taken."""
    choice, left, is_full = _Choice(), room.page, False
    too_large = f"since a map may take {megabytes(room.map)}"
    no_room = f"the weakest of each image, since this page may hold {megabytes(room.page)} of maps"
    for one in _by_importance(candidates):
        if is_full:
            choice.refused[one.group, no_room] += 1
            continue
        some = one.read()
        packed = _packed(some)
        size = sum(len(numbers.text) for numbers in packed.values())
        if size > room.map:
            choice.refused[one.group, too_large] += 1
            continue
        picture = choice.pictures.get(one.image)
        new = "" if picture else pack_picture(some.image)
        left -= size + len(new)
        is_full = left < 0
        if is_full:
            choice.refused[one.group, no_room] += 1
        else:
            choice.shown[one] = _Shown(one, packed)
            choice.pictures[one.image] = picture or new
    return choice


def _packed(one: Map) -> dict[str, Packed]:
    relevance = {"relevance": pack(one.relevance)}
    if one.largest_error is None:
        return relevance
    return relevance | {"error": pack(one.standard_error)}


def _by_importance(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Classes; then the strongest map of every layer in every store, then the second, ..."""
    classes = [one for one in candidates if one.is_of_class]
    layers: dict[tuple[Path, str], list[_Candidate]] = {}
    for one in candidates:
        if not one.is_of_class:
            layers.setdefault((one.path, one.group), []).append(one)
    ranked = [
        (rank, one)
        for group in layers.values()
        for rank, one in enumerate(sorted(group, key=lambda one: -one.largest))
    ]
    return [*classes, *(one for _, one in sorted(ranked, key=lambda pair: pair[0]))]


def _described(
    shown: Sequence[_Shown],
    pictures: Mapping[ImageKey, str],
    link: Callable[[Path], str],
    left_out: Sequence[str],
) -> Catalogue:
    names = _image_names(pictures)
    images = {image: place for place, image in enumerate(pictures)}
    first_of_store = {one.candidate.path: one.candidate for one in reversed(shown)}
    stores = {path: place for place, path in enumerate(first_of_store)}
    contents = {f"picture-{place}": pictures[image] for image, place in images.items()}
    maps = []
    for number, some in enumerate(shown):
        one = some.candidate
        contents |= {f"{name}-{number}": packed.text for name, packed in some.packed.items()}
        facts = {"image": images[one.image], "store": stores[one.path]}
        facets = {"image": names[one.image], **one.facets}
        numbers = {
            name: {"content": f"{name}-{number}", "exponent": packed.exponent}
            for name, packed in some.packed.items()
        }
        maps.append({**facts, "facets": facets, "numbers": numbers, **one.facts})
    return Catalogue(
        [
            {"name": names[image], "title": image[0], "picture": f"picture-{place}"}
            for image, place in images.items()
        ],
        [map_facts.of_store(one.read(), link(path)) for path, one in first_of_store.items()],
        maps,
        contents,
        left_out,
    )


def _image_names(images: Iterable[ImageKey]) -> dict[ImageKey, str]:
    """What images are called, with their dataset where a name occurs in several."""
    times = Counter(name for name, _ in images)
    return {
        (name, dataset): name if times[name] == 1 else f"{name} ({dataset})"
        for name, dataset in images
    }


def megabytes(letters: int) -> str:
    """A number of letters in words."""
    return f"{letters / MEGABYTE:g} MB"
