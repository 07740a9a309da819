"""Writes tests/data/models.json: keys, shapes and outputs of torchvision's networks, for tests/models. usage: make_fixtures.py OUT

Weights are those of torch.manual_seed(0); inputs are drawn after them. Needs torch and torchvision (0.28 was used); a torchvision whose
compiled operations do not fit the installed torch will do, since the networks need none of them.
"""
import json
import sys
import types

import torch

sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")  # of the compiled operations
import torchvision  # noqa: E402

torch.set_num_threads(1)
result = {"torchvision": torchvision.__version__, "torch": torch.__version__, "models": {}}
for name in ("resnet18", "resnet34", "resnet50", "vgg11_bn", "vgg16_bn", "mobilenet_v2"):
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(num_classes=10)
    x = torch.randn(2, 3, 64, 64)
    model.eval()
    with torch.no_grad():
        evaluated = model(x)
        if name.startswith("vgg"):
            for module in model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0
        if name == "mobilenet_v2":
            model.classifier[0].p = 0.0
        model.train()
        trained = model(x)
    keys = [[key, list(value.shape)] for key, value in model.state_dict().items()]
    result["models"][name] = {
        "keys": " ".join(f"{key}:{','.join(map(str, shape))}" for key, shape in keys),
        "parameters": sum(p.numel() for p in model.parameters()),
        "eval": evaluated.flatten().tolist(), "train": trained.flatten().tolist(),
    }
with open(sys.argv[1], "w") as file:
    json.dump(result, file, indent=0)
    file.write("\n")
