"""Networks of detection and pooling layers, and models of their relevance [montavon2017]."""

import torch
from torch import Tensor, nn

DETECTED = 1
"""Number of the class whose score is the network's output."""
_DEVIATION = 0.05
"""Of the weights before training [montavon2017, section 6.1]."""


class SumPooling(nn.Module):
    """Sums of as many neighbours as there are inputs to an output: a linear map of ones."""

    weight: Tensor

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        ones = torch.eye(outputs).repeat_interleave(inputs // outputs, 1)
        self.register_buffer("weight", ones, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        return nn.functional.linear(x, self.weight)


class RelevanceModel(nn.Module):
    """What predicts the relevance of pooled detectors [montavon2017, section 5.1].

    y_j = max(0, sum_i x_i v_ij + a_j), with a_j = min(0, sum_l R_l v_lj + d_j), and sums of y over
    the pools.
    """

    def __init__(self, inputs: int, upper: int, detectors: int, pooled: int):
        super().__init__()
        self.detection = _start(nn.Linear(inputs, detectors, bias=False))
        self.inhibition = _start(nn.Linear(upper, detectors))
        self.pooling = SumPooling(detectors, pooled)

    def detected(self, x: Tensor, upper: Tensor) -> Tensor:
        """(N, inputs), (N, upper) relevance above -> (N, detectors) y."""
        inhibited = self.inhibition(upper).clamp(max=0)
        found: Tensor = (self.detection(x) + inhibited).relu()
        return found

    def forward(self, x: Tensor, upper: Tensor) -> Tensor:
        """(N, inputs), (N, upper) relevance above -> (N, pooled) predicted relevance."""
        found: Tensor = self.pooling(self.detected(x, upper))
        return found


class DetectionPooling(nn.Module):
    """Two layers of detection and pooling with biases of at most 0 [montavon2017, section 6.1].

    Its output f, the sum of the upper detectors, is the score of class 1; that of class 0 is a
    constant, the least f with which something counts as detected.
    """

    def __init__(
        self, inputs: int, detectors: int, pooled: int, threshold: float, relevance_models: int = 0
    ):
        super().__init__()
        self.flatten = nn.Flatten()
        self.detection1 = _start(nn.Linear(inputs, detectors))
        self.rectifier1 = nn.ReLU()
        self.pooling1 = SumPooling(detectors, pooled)
        self.detection2 = _start(nn.Linear(pooled, detectors))
        self.rectifier2 = nn.ReLU()
        self.pooling2 = nn.Linear(detectors, 2)
        with torch.no_grad():
            self.pooling2.weight.copy_(torch.tensor([[0.0], [1.0]]).expand(2, detectors))
            self.pooling2.bias.copy_(torch.tensor([threshold, 0.0]))
        self.pooling2.requires_grad_(False)
        models = (
            RelevanceModel(inputs, detectors, detectors, pooled) for _ in range(relevance_models)
        )
        self.relevance_models = nn.ModuleList(models)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, *spatial) -> (N, 2) scores."""
        found: Tensor = self.pooling2(self.upper_detectors(self.flatten(images)))
        return found

    def pooled(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, pooled) activations of the first layer."""
        found: Tensor = self.pooling1(self.rectifier1(self.detection1(x)))
        return found

    def upper_detectors(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, detectors) of the second layer, which are their relevance [eq. 10]."""
        found: Tensor = self.rectifier2(self.detection2(self.pooled(x)))
        return found

    def true_relevance(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, pooled) relevance of the first layer's pools by the rule z+."""
        pooled = self.pooled(x)
        upper = self.rectifier2(self.detection2(pooled))
        positive = self.detection2.weight.clamp(min=0)
        total = nn.functional.linear(pooled, positive)
        share = torch.where(total > 0, upper / torch.where(total > 0, total, 1.0), 0.0)
        return pooled * (share @ positive)

    @property
    def models(self) -> list[RelevanceModel]:
        """The relevance models."""
        return [one for one in self.relevance_models if isinstance(one, RelevanceModel)]

    def constrain(self) -> None:
        """Set positive biases of the detectors to 0."""
        with torch.no_grad():
            for layer in (self.detection1, self.detection2):
                layer.bias.clamp_(max=0)


def _start(layer: nn.Linear) -> nn.Linear:
    nn.init.normal_(layer.weight, 0, _DEVIATION)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
