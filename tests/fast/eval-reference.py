# Writes eval-reference.json: metric values by other implementations, on features that eval-metrics.test.ts rebuilds.
# pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 prdc==0.2; pip download --no-deps pytorch-fid==0.3.0
# torch-fidelity==0.4.0 and unzip both wheels here (their NumPy functions are used alone, without PyTorch). Then run:
#   python eval-reference.py > eval-reference.json
import ast
import glob
import json
import sys
from contextlib import redirect_stdout

import numpy as np
import prdc
import scipy
import sklearn
from scipy import linalg  # noqa: F401 (used by the extracted function)


def extract(pattern, *names):
    """Functions of a file whose imports (torch) are not installed."""
    (path,) = glob.glob(pattern, recursive=True)
    tree = ast.parse(open(path).read())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    scope = {"np": np, "linalg": linalg, "vassert": lambda ok, why: None,
             "get_kwarg": lambda name, kwargs: kwargs.get(name, {"kid_kernel_poly_degree": 3,
                                                                 "kid_kernel_poly_gamma": None,
                                                                 "kid_kernel_poly_coef0": 1}.get(name))}
    exec(compile(tree, path, "exec"), scope)
    return [scope[name] for name in names]


def uniforms(seed, count):
    """Numerical Recipes' 32-bit LCG, top bits; exact in both languages."""
    state, out = seed, np.empty(count)
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out[i] = (state >> 8) / 2**24
    return out


def features(seed, rows, columns, scale, shift):
    """Sums of four uniforms: bell-shaped; columns get different spreads. Rounded to float32."""
    u = uniforms(seed, rows * columns * 4).reshape(rows, columns, 4).sum(axis=2) - 2
    return ((u * scale * (1 + np.arange(columns) % 3)) + shift).astype(np.float32)


(frechet,) = extract("**/pytorch_fid/fid_score.py", "calculate_frechet_distance")
mmd2, kernel_poly = extract("**/torch_fidelity/metric_kid.py", "mmd2", "kernel_poly")

real = features(1, 700, 16, 1.0, 0.0)
out = {"versions": {"pytorch-fid": "0.3.0", "torch-fidelity": "0.4.0", "prdc": "0.2", "numpy": np.__version__,
                    "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}, "cases": []}
for seed, rows, scale, shift in [(2, 700, 1.0, 0.0), (3, 600, 1.0, 0.3), (4, 650, 0.5, 0.0), (5, 10, 1.0, 0.1)]:
    fake = features(seed, rows, 16, scale, shift)
    stats = [(np.mean(x.astype(np.float64), axis=0), np.cov(x.astype(np.float64), rowvar=False)) for x in (real, fake)]
    x, y = real.astype(np.float64), fake.astype(np.float64)
    with redirect_stdout(sys.stderr):  # prdc prints
        three, five = (prdc.compute_prdc(real, fake, nearest_k=k) for k in (3, 5))
    out["cases"].append({
        "seed": seed, "rows": rows, "scale": scale, "shift": shift,
        "frechet": float(frechet(*stats[0], *stats[1])),
        # torch-fidelity wants as many rows on both sides.
        "kernel": float(mmd2(kernel_poly(x[:rows], x[:rows]), kernel_poly(x[:rows], y), kernel_poly(y, y))),
        "precision": float(three["precision"]), "recall": float(three["recall"]),
        "density": float(five["density"]), "coverage": float(five["coverage"]),
    })
json.dump(out, sys.stdout, indent=2)
print()
