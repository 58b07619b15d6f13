"""Weights from elsewhere: loaded whole, or refused with what does not fit."""

import os
import pickle
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from prediction_difference.classifiers import pretrained
from prediction_difference.classifiers.kinds.torch import TorchNetwork
from prediction_difference.classifiers.kinds.torchvision import TorchvisionNetwork
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.classifiers.normalisation import NORMALISATIONS, Normalisation
from prediction_difference.data.sources.imagenet import ImageNet
from prediction_difference.errors import DataError


def small_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))


def not_a_network() -> str:
    return "hello"


def settings(weights: Path, factory: str = f"{__name__}:small_network") -> TorchNetwork:
    return TorchNetwork(
        kind="torch", dataset="d", factory=factory, weights=weights, training_instances=10
    )


def test_safetensors_and_weights_only_files_give_the_same_network(tmp_path):
    network = small_network()
    save_file(network.state_dict(), tmp_path / "a.safetensors")
    torch.save(network.state_dict(), tmp_path / "a.pth")
    x = torch.randn(2, 1, 4, 4)
    for name in ("a.safetensors", "a.pth"):
        loaded, names = settings(tmp_path / name).load()
        assert names is None
        assert torch.equal(loaded(x), network(x))


def test_weights_that_do_not_fit_are_named(tmp_path):
    tensors = small_network().state_dict()
    tensors["extra"] = torch.zeros(1)
    tensors["2.bias"] = torch.zeros(7)
    del tensors["0.bias"]
    save_file(tensors, tmp_path / "b.safetensors")
    message = (
        r"b\.safetensors: the weights do not fit the network: 0\.bias is missing, extra is not a "
        r"tensor of the network, 2\.bias has shape \(7,\) and not \(3,\)"
    )
    with pytest.raises(DataError, match=message):
        settings(tmp_path / "b.safetensors").load()


def test_missing_broken_and_pickled_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        settings(tmp_path / "none.safetensors").load()
    (tmp_path / "c.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(DataError, match=r"c\.safetensors: cannot be read"):
        settings(tmp_path / "c.safetensors").load()
    (tmp_path / "d.pth").write_bytes(pickle.dumps(Path("/")))
    with pytest.raises(DataError, match=r"no weights-only file|cannot be read"):
        settings(tmp_path / "d.pth").load()
    torch.save([1, 2], tmp_path / "e.pth")
    with pytest.raises(DataError, match="holds no state_dict"):
        settings(tmp_path / "e.pth").load()


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("no_such_module:f", "cannot be imported"),
        (f"{__name__}:no_such_function", "cannot be imported"),
        (f"{__name__}:not_a_network", "returned str"),
    ],
)
def test_factories_that_give_no_network_are_named(tmp_path, factory, message):
    with pytest.raises(DataError, match=message):
        settings(tmp_path / "w", factory).empty_network((), 0)


def of_torchvision(name: str, weights: str) -> TorchvisionNetwork:
    return TorchvisionNetwork(kind="torchvision", dataset="d", model=name, weights=weights)


def test_torchvision_networks_load_a_local_file(tmp_path):
    network = torchvision.models.squeezenet1_1(weights=None)
    save_file(network.state_dict(), tmp_path / "s.safetensors")
    loaded, _ = of_torchvision("squeezenet1_1", str(tmp_path / "s.safetensors")).load()
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_googlenet_is_built_as_its_weights_were_trained(tmp_path):
    full = torchvision.models.googlenet(weights=None, init_weights=False, aux_logits=True)
    save_file(full.state_dict(), tmp_path / "g.safetensors")
    loaded, _ = of_torchvision("googlenet", str(tmp_path / "g.safetensors")).load()
    assert loaded.transform_input
    assert not any(name.startswith("aux") for name in loaded.state_dict())
    assert torch.equal(loaded.state_dict()["fc.weight"], full.state_dict()["fc.weight"])


def test_unknown_models_and_weights_are_named():
    with pytest.raises(DataError, match=r"model 'googlnet': torchvision has no such classifier"):
        of_torchvision("googlnet", "DEFAULT").load()
    with pytest.raises(DataError, match=r"weights 'V9': are neither a file nor.*IMAGENET1K_V1"):
        of_torchvision("googlenet", "V9").load()


def test_weights_that_cannot_be_fetched_are_told_with_their_address(tmp_path, monkeypatch):
    def refuse(url, *_, **__):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    settings = of_torchvision("squeezenet1_0", "DEFAULT")
    with pytest.raises(DataError, match=r"cannot be fetched from https://.*squeezenet1_0.*\.pth"):
        settings.load()


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("is_zip", [True, False])
def test_weights_files_that_would_run_code_are_refused(tmp_path, is_zip):
    trace = tmp_path / "trace"
    for name in ("weights.pth", "weights.pt", "weights.bin"):
        file = tmp_path / name
        torch.save({"a": Malicious(trace)}, file, _use_new_zipfile_serialization=is_zip)
        with pytest.raises(DataError, match="is no weights-only file; save the state_dict, best"):
            pretrained.load_weights(torch.nn.Linear(1, 1), file)
    (tmp_path / "w.safetensors").write_bytes(file.read_bytes())
    with pytest.raises(DataError, match="cannot be read"):
        pretrained.load_weights(torch.nn.Linear(1, 1), tmp_path / "w.safetensors")
    assert not trace.exists()
    torch.load(file, weights_only=False)
    assert trace.exists()


def fetched_before(monkeypatch, tmp_path, content, sum_in_name):
    """A file in torch's cache, which stands for torchvision's weights of a small network."""
    entry = torchvision.models.get_model_weights("squeezenet1_1")["IMAGENET1K_V1"]
    file = tmp_path / "hub" / "checkpoints" / Path(entry.url).name
    file.parent.mkdir(parents=True)
    torch.save(content, file)
    if sum_in_name:
        monkeypatch.setattr(pretrained, "sha256", lambda _: Path(entry.url).stem[-8:] + 56 * "0")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return file


def test_cached_weights_of_torchvision_that_would_run_code_are_refused(tmp_path, monkeypatch):
    trace = tmp_path / "trace"
    file = fetched_before(monkeypatch, tmp_path, {"a": Malicious(trace)}, sum_in_name=True)
    with pytest.raises(DataError, match=rf"{file.name}: is no weights-only file.*delete it: it is"):
        of_torchvision("squeezenet1_1", "IMAGENET1K_V1").load()
    assert not trace.exists()
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_cached_weights_of_torchvision_are_checked(tmp_path, monkeypatch):
    network = torchvision.models.get_model("squeezenet1_1", weights=None)
    file = fetched_before(monkeypatch, tmp_path, network.state_dict(), sum_in_name=False)
    settings = of_torchvision("squeezenet1_1", "IMAGENET1K_V1")
    with pytest.raises(DataError, match=rf"{file.name}: does not hold the weights that its name's"):
        settings.load()
    monkeypatch.setattr(pretrained, "sha256", lambda _: Path(file).stem[-8:])
    loaded, names = settings.load()
    assert len(names) == 1000
    assert all(torch.equal(a, network.state_dict()[n]) for n, a in loaded.state_dict().items())


def test_weights_of_torchvision_keep_their_own_normalisation():
    for weights in torchvision.models.list_models(module=torchvision.models):
        for entry in torchvision.models.get_model_weights(weights):
            own = entry.transforms()
            is_usual = tuple(own.mean) == NORMALISATIONS["imagenet"].mean
            settings = of_torchvision(weights, entry.name)
            if is_usual:
                pretrained._check_normalisation(settings, entry)
                continue
            with pytest.raises(DataError, match=r"is not the one that the weights .*mean: \["):
                pretrained._check_normalisation(settings, entry)
            right = Normalisation(mean=tuple(own.mean), std=tuple(own.std))
            settings = settings.model_copy(update={"normalisation": right})
            pretrained._check_normalisation(settings, entry)


@pytest.mark.realdata
def test_squeezenet_with_real_weights_loads(pda_data):
    file = pda_data / "weights" / "squeezenet1_0_imagenet.safetensors"
    network, _ = of_torchvision("squeezenet1_0", str(file)).load()
    assert network(torch.zeros(1, 3, 227, 227)).shape == (1, 1000)


class CaffeSqueezeNet(torchvision.models.SqueezeNet):
    """With the input that its weights were trained with: blue first, 0 to 255, less a mean."""

    def forward(self, x):
        mean = torch.tensor([104.0, 117.0, 123.0], device=x.device)[:, None, None]
        return super().forward(255 * x[:, [2, 1, 0]] - mean)


@pytest.mark.realdata
def test_squeezenet_knows_the_photographs_of_imagenet(pda_data, tmp_path):
    """So that their scaling, their labels and the network's classes belong together."""
    photographs = ImageNet(
        source="imagenet",
        root=pda_data / "imagenet_sample",
        images=24,
        resize=256,
        size=(227, 227),
        interpolation="bilinear",
    )
    network = TorchNetwork(
        kind="torch",
        dataset="photographs",
        factory=f"{__name__}:CaffeSqueezeNet",
        weights=pda_data / "weights" / "squeezenet1_0_imagenet.safetensors",
        class_names=pda_data / "imagenet_sample" / "synset_words.txt",
        training_instances=1_281_167,
    )
    dataset = photographs.load("photographs", 0)
    card = make_classifier(network, "squeezenet", dataset, 0, "cpu", tmp_path)
    assert card.held_out_images == 24
    assert card.accuracy is not None
    assert 0.4 < card.accuracy < 0.9
