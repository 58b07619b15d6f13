"""The classifier that stores explain, to run it on other images."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.classifiers.card import CARD, Card, read_card
from prediction_difference.classifiers.loading import load_module
from prediction_difference.errors import StoreError
from prediction_difference.files import folder_of
from prediction_difference.manifest import digest_of

if TYPE_CHECKING:
    from torch import nn


class Bench:
    """What the images of an evaluation share."""

    def __init__(self, classifier: Path, device: str):
        self.classifier = classifier
        self.device = device
        self._modules: dict[str, nn.Module] = {}

    @cached_property
    def card(self) -> Card:
        """Of the classifier."""
        return read_card(self.classifier)

    def module(self, split: str) -> "nn.Module":
        """The classifier, fitted without a split."""
        if split not in self._modules:
            module = load_module(self.classifier, self.card, split)
            self._modules[split] = module.to(self.device).eval()
        return self._modules[split]

    def scores(self, images: Sequence[np.ndarray] | np.ndarray, split: str) -> np.ndarray:
        """(n, C, *spatial) images -> (n, K) scores."""
        from prediction_difference.classifiers.training import class_scores

        stacked = np.ascontiguousarray(images, dtype=np.float32)
        return class_scores(self.module(split), stacked, self.device)

    def refuse_another(self, store: Any) -> None:
        """Raise StoreError if an attribution explains another classifier."""
        if digest_of(folder_of(self.classifier) / CARD) not in store.attrs["inputs"].values():
            where = f"{store.attrs['explanation']}, {store.attrs['slot']}"
            what = f"does not explain {self.card.name!r} as it is now"
            raise StoreError(where, what, "make it again")
