"""Where torch computes."""

from prediction_difference.errors import DataError


def choose_device(name: str) -> str:
    """Auto -> cuda where there is one, else cpu; every other name as it is.

    Raises:
        DataError: a GPU is asked for and torch finds none.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DataError(f"run.device: {name}", "torch finds no GPU", "set device to auto or cpu")
    return name
