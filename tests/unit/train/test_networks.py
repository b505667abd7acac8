from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rainkit.train.networks import NETWORKS, PRESETS, NAFNet, Residual, UNet
from rainkit.train.networks.derainer import Derainer, count_flops, count_parameters

SMALL = {
    "residual": Residual(channels=4, blocks=1),
    "residual-full": Residual(channels=4, blocks=2, shuffle=1),
    "unet": UNet(channels=2, levels=2),
    "nafnet": NAFNet(channels=4, blocks=2),
    "attention": NAFNet(channels=4, blocks=1, attention=True),
}


def awake(spec: Residual | UNet | NAFNet) -> Derainer:
    """A network whose every weight matters: the silent tail and the biases get values too."""
    torch.manual_seed(0)
    network = spec()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return network.double().eval()


@pytest.mark.parametrize("name", SMALL)
def test_starts_as_the_identity_at_any_size(name: str) -> None:
    picture = torch.rand(2, 3, 13, 9)
    assert torch.equal(SMALL[name]()(picture), picture)


@pytest.mark.parametrize("name", [name for name in SMALL if name != "attention"])
def test_reach_is_what_the_network_sees_and_no_more_than_needed(name: str) -> None:
    network = awake(SMALL[name])
    reach, size = network.reach, 128
    assert reach is not None
    seen = torch.zeros(size, size, dtype=torch.float64)
    for shift in range(network.stride):
        picture = torch.rand(1, 3, size, size, dtype=torch.float64, requires_grad=True)
        place = size // 2 + shift
        network(picture)[0, :, place, place].sum().backward()
        assert picture.grad is not None
        marks = picture.grad.abs().sum(dim=(0, 1)).nonzero()
        assert (marks - place).abs().max() <= reach
        seen[0, shift] = (marks - place).abs().max()
    assert seen.max() > reach - 2 * network.stride


def test_pooled_attention_has_no_reach() -> None:
    network = SMALL["attention"]()
    assert network.reach is None


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_gets_a_gradient(name: str) -> None:
    network = awake(SMALL[name])
    network(torch.rand(1, 3, 16, 16, dtype=torch.float64)).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())


def test_costs_are_those_counted_by_hand() -> None:
    spec = Residual(channels=8, blocks=2, shuffle=2)
    weights = (12 * 8 * 9 + 8) + 4 * (8 * 8 * 9 + 8) + (8 * 12 * 9 + 12)
    assert count_parameters(spec()) == weights
    products = (12 * 8 + 4 * 8 * 8 + 8 * 12) * 9 * (32 // 2) * (20 // 2)
    assert count_flops(spec(), 32, 20) == 2 * products


@pytest.mark.parametrize("name", PRESETS)
def test_the_page_on_training_states_the_costs(name: str) -> None:
    network = PRESETS[name]()
    page = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in line.split("|")]
    gflop = count_flops(network, 64, 64) / 1e9
    assert cells[-4:-1] == [f"{count_parameters(network):,}", f"{gflop:.2f}", str(network.reach)]


def test_presets_are_networks_of_the_table_and_grow() -> None:
    assert all(NETWORKS[spec.kind] is type(spec) for spec in PRESETS.values())
    sizes = [count_parameters(PRESETS[name]()) for name in ("tiny", "base", "paper")]
    assert sizes == sorted(sizes)
