# Writes eval-spectrum.json: power spectra by NumPy's FFT, of pictures that eval-spectrum.test.ts rebuilds.
# pip install numpy==2.4.6, then: python eval-spectrum.py > eval-spectrum.json
import json
import sys

import numpy as np


def levels(seed, count):
    """Bytes from Numerical Recipes' 32-bit LCG; exact in both languages."""
    state, out = seed, np.empty(count)
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out[i] = state >> 24
    return out


def power(pictures):
    """Welch's: parts of half the side, overlapping by half, under Hann's window."""
    size = pictures.shape[1] // 2
    hann = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    window = np.outer(hann, hann)[None, :, :, None]
    steps = [0, size // 2, size]
    parts = np.concatenate([pictures[:, y:y + size, x:x + size] for y in steps for x in steps])
    centred = parts - (parts * window).sum(axis=(1, 2), keepdims=True) / window.sum()
    transformed = np.fft.fft2(centred * window, axes=(1, 2))
    return (np.abs(transformed) ** 2).mean(axis=(0, 3)) / (window ** 2).sum()


def decibels(generated, real):
    return float(10 * np.log10(generated / real))


out = {"numpy": np.__version__, "cases": []}
for size, count, channels in [(16, 3, 1), (28, 2, 1), (32, 3, 3), (48, 1, 4), (64, 1, 3), (96, 1, 1), (128, 1, 1)]:
    shape = (count, size, size, channels)
    real = levels(7, count * size * size * channels).reshape(shape)
    # A blur along rows, so that the gaps differ from each other and from 0.
    generated = np.floor((real + np.roll(real, 1, axis=2) * 2) / 4)
    a, b, half = power(generated), power(real), size // 4
    frequency = np.abs(np.fft.fftfreq(size // 2))
    upper = np.maximum(frequency[:, None], frequency[None, :]) * 3 >= 1
    out["cases"].append({
        "size": size, "count": count, "channels": channels,
        "row1": [float(x) for x in b[1, :6]],
        "nyquist": decibels(a[half, half], b[half, half]),
        "horizontal": decibels(a[0, half], b[0, half]),
        "vertical": decibels(a[half, 0], b[half, 0]),
        "upperThird": decibels(a[upper].sum(), b[upper].sum()),
    })
json.dump(out, sys.stdout, indent=2)
print()
