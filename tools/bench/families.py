"""Further rows, which run.sh measures when they are asked for: `--family NAME`. families.h has Ember's side, torch_families.py PyTorch's."""
FACTORS = ("solve", "cholesky", "svd", "eigh", "lstsq")

FAMILIES = {
    "linalg": [f"{name} {n} {dtype}" for name in FACTORS for n in (256, 1024) for dtype in ("float32", "float64")],
    "sequences": ["lstm 64 hidden 50 steps b32", "gru 64 hidden 50 steps b32", "lstm 64 hidden 50 steps b32 forward"],
    "attention": [f"attention 8 heads {n}{causal}{suffix}" for n in (256, 512, 1024) for causal in ("", " causal") for suffix in ("", " +backward")],
    "volumes": ["volumes 16x16x16 b8", "volumes 16x16x16 b8 forward"],
}
NAMES = {row for rows in FAMILIES.values() for row in rows}
