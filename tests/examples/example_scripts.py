# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loads the example scripts, and makes what they read: recordings of made-up words, simple pictures."""

import importlib.util
import pathlib
import wave

import keras
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
RATE_HZ = 16_000


def load(name: str):
    """The module of `examples/<name>.py`."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_wav(path: pathlib.Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    """Writes samples in [-1, 1] with 16 bit, mono."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def write_words(folder: pathlib.Path, words: dict[str, list[tuple[float, float]]], pitches, n: int) -> None:
    """Writes n recordings of each word, whose syllables glide from one frequency in Hz to another, in voices by pitch."""
    rng = np.random.default_rng(0)
    for word, syllables in words.items():
        for i in range(n):
            write_wav(
                folder / word / f"{i:02}.wav", _speak(rng, syllables, rng.choice(pitches) * rng.uniform(0.97, 1.03))
            )


def _speak(rng, syllables, pitch: float) -> np.ndarray:
    samples, start_s = rng.normal(0, 0.02, RATE_HZ), rng.uniform(0.05, 0.2)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    for low, high in syllables:
        length_s = rng.uniform(0.18, 0.25)
        inside = (time_s >= start_s) & (time_s < start_s + length_s)
        progress = (time_s[inside] - start_s) / length_s
        phase = 2 * np.pi * np.cumsum(pitch * (low + (high - low) * progress)) / RATE_HZ
        samples[inside] += 0.4 * np.sin(np.pi * progress) * (np.sin(phase) + np.sin(2 * phase) / 2)
        start_s += length_s + 0.03
    return samples


def write_pictures(folder: pathlib.Path, colours: dict[str, tuple[int, int, int]], n: int, size: int = 96) -> None:
    """Writes n pictures for each class: a disc of about its colour, about in the middle."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size]
    for name, colour in colours.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            (y, x), radius = rng.uniform(0.42, 0.58, 2) * size, rng.uniform(0.27, 0.35) * size
            image = np.full((size, size, 3), 235.0)
            image[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] = colour + rng.uniform(-15, 15, 3)
            keras.utils.save_img(folder / name / f"{i:02}.png", image)
