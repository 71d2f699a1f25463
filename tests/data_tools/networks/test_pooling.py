import pytest
import torch
from torch.nn import functional

from data_tools.networks.pooling import max_pool, mean_pool


def test_pooling_leaves_padding_out_by_hand() -> None:
    maps = torch.arange(12.0).reshape(1, 1, 3, 4).repeat(2, 1, 1, 1)
    # 3 x 4 cells of 32 px; the second image reaches into the second row and the third column
    sizes = [(96, 128), (40, 70)]
    assert mean_pool(maps, sizes, (96, 128)).tolist() == [[5.5], [(0 + 1 + 2 + 4 + 5 + 6) / 6]]
    assert max_pool(maps, sizes, (96, 128)).tolist() == [[11.0], [6.0]]


@pytest.mark.parametrize("pool", [mean_pool, max_pool])
@pytest.mark.parametrize("size_hw", [(64, 64), (33, 64), (64, 1), (32, 63)])
def test_in_company_as_alone(pool, size_hw: tuple[int, int]) -> None:
    rows, columns = (-(-side // 32) for side in size_hw)
    alone = torch.randn(1, 5, rows, columns, generator=torch.Generator().manual_seed(0))
    padded = functional.pad(alone, (0, 4 - columns, 0, 3 - rows), value=9.0)
    large = torch.randn(1, 5, 3, 4, generator=torch.Generator().manual_seed(1))
    together = pool(torch.cat([large, padded]), [(96, 128), size_hw], (96, 128))
    torch.testing.assert_close(together, torch.cat([pool(large, (), (96, 128)), pool(alone, (), size_hw)]))
