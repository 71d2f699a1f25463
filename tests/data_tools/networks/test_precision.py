import timm
import torch

from data_tools.networks.precision import keep_depthwise_full, resolve_precision


def test_a_named_precision_stays() -> None:
    assert [resolve_precision(name) for name in ("no", "bf16", "fp16")] == ["no", "bf16", "fp16"]
    assert resolve_precision("auto") in ("no", "bf16")


def test_depthwise_layers_compute_in_full_precision_and_change_nothing_else() -> None:
    torch.manual_seed(0)
    model = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    images, names = torch.rand(2, 3, 40, 40), list(model.state_dict())
    with torch.inference_mode():
        before = model(images)
        keep_depthwise_full(model)
        after = model(images)
        seen = {}
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: out.dtype}))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            model(images)
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert list(model.state_dict()) == names
    modules = dict(model.named_modules())
    assert {n: d == torch.float32 for n, d in seen.items()} == {n: modules[n].groups > 1 for n in seen}
