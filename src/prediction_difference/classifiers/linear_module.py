"""Logistic regression as a torch module, for methods that need gradients or full forwards."""

import torch
from torch import Tensor, nn

from prediction_difference.classifiers.logistic_regression import LinearClassifier


class LinearModule(nn.Module):
    """(N, C, *spatial) -> (N, 2) class scores, equal to `LinearClassifier.scores`."""

    weight: Tensor
    intercept: Tensor

    def __init__(self, linear: LinearClassifier):
        super().__init__()
        self.register_buffer("weight", torch.tensor(linear.weight, dtype=torch.float32))
        self.register_buffer("intercept", torch.tensor(linear.intercept, dtype=torch.float32))

    def forward(self, images: Tensor) -> Tensor:
        z = images.flatten(1) @ self.weight.flatten() + self.intercept
        return torch.stack([-z / 2, z / 2], dim=1)
