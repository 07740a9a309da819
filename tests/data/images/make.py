"""Writes the images of this folder with Pillow, and expected.npz: their pixels as Pillow reads them, and what torchvision makes of an image.

usage: python3 tests/data/images/make.py       needs pillow, torch, torchvision, numpy; the tests need only the files
"""
import os

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.utils import make_grid

HERE = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(0)
smooth = np.add.outer(np.arange(12) * 9, np.arange(10) * 12)[..., None] + np.array([0, 20, 40])
rgb = (smooth % 256).astype(np.uint8)
expected = {}


def write(name, image, **options):
    path = os.path.join(HERE, name)
    image.save(path, **options)
    pixels = np.asarray(Image.open(path))
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    expected[name] = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1).copy()
    expected[name + " gray"] = np.asarray(Image.open(path).convert("L"))[None]
    expected[name + " rgb"] = np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1).copy()


write("rgb.png", Image.fromarray(rgb))
write("grey.png", Image.fromarray(rgb[..., 0]))
write("alpha.png", Image.fromarray(np.dstack([rgb, random.integers(0, 256, rgb.shape[:2], dtype=np.uint8)])))
write("grey_alpha.png", Image.fromarray(rgb[..., :2].copy(), mode="LA"))
write("bits.png", Image.fromarray(rgb[..., 0] > 100))
write("palette.png", Image.fromarray(rgb).convert("P", palette=Image.Palette.ADAPTIVE, colors=16))
expected["palette.png"] = expected["palette.png rgb"]
write("rgb.jpg", Image.fromarray(rgb), quality=90)
write("grey.jpg", Image.fromarray(rgb[..., 0]), quality=90)
write("progressive.jpg", Image.fromarray(rgb), quality=80, progressive=True)
write("rgb.ppm", Image.fromarray(rgb))
write("grey.pgm", Image.fromarray(rgb[..., 0]))
write("bits.pbm", Image.fromarray(rgb[..., 0] > 100))
for cut, name in ((60, "cut.png"), (640, "cut.jpg"), (60, "cut.ppm")):
    whole = open(os.path.join(HERE, "rgb" + name[3:]), "rb").read()
    open(os.path.join(HERE, name), "wb").write(whole[:cut])

torch.manual_seed(0)
x = torch.rand(2, 3, 9, 11)
expected["x"] = x
expected["affine nearest"] = F.affine(x, 30, [2, -1], 1.2, [10.0, 0.0])
expected["affine bilinear"] = F.affine(x, -20, [0, 1], 0.8, [5.0, 8.0], interpolation=F.InterpolationMode.BILINEAR)
expected["resize up"] = F.resize(x, [14, 20], antialias=True)
expected["resize down"] = F.resize(x, [4, 5], antialias=True)
expected["resize shorter"] = F.resize(x, [6], antialias=True)
expected["centre crop"] = F.center_crop(x, [4, 6])
expected["brightness"] = F.adjust_brightness(x, 1.3)
expected["contrast"] = F.adjust_contrast(x, 0.6)
expected["saturation"] = F.adjust_saturation(x, 1.7)
expected["hue"] = F.adjust_hue(x, 0.2)
expected["grid"] = make_grid(x[:, :1].repeat(2, 1, 1, 1), nrow=3, padding=1, pad_value=0.5)
expected["grid normalised"] = make_grid(x * 4 - 1, normalize=True, scale_each=True)
np.savez(os.path.join(HERE, "expected.npz"), **{k: np.asarray(v) for k, v in expected.items()})
print(len(expected), "arrays")
