# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Teaches a keyword spotter its user's words, in Keras and in TensorFlow Lite Micro with int8, in 128 KB of RAM.

Two folders are needed. Each holds a folder for each word, with WAV files: 16 bit, 16 kHz, about a second long. WORDS is what
the network learns in the factory. USER has other words, or the same in a new voice: a third is kept to judge by.
"""

import argparse
import pathlib

import tfdgsu  # isort: skip, in front of TensorFlow, which is quiet then
import keras
import numpy as np
import tensorflow as tf

RATE_HZ, LEARNING_RATE, EPOCHS = 16_000, 0.02, 5


def read_words(folder: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Log-mel spectrograms [N, 49, 40, 1] of 40 ms every 20 ms, classes [N], and the words."""
    paths = sorted(pathlib.Path(folder).glob("*/*.wav"))
    if len(words := sorted({path.parent.name for path in paths})) < 2:
        raise SystemExit(f"Two words or more must have a folder with WAV files. Received: {words} in {folder}.")
    mels, x = tf.signal.linear_to_mel_weight_matrix(40, 513, RATE_HZ, 60, 7_600), []
    for path in paths:
        try:
            samples, rate = tf.audio.decode_wav(path.read_bytes(), 1, RATE_HZ)  # Cut or filled up to one second.
        except tf.errors.InvalidArgumentError as error:
            raise SystemExit(f"A recording must be a WAV file of 16 bit. Received: {path}: {error.message}") from None
        if rate != RATE_HZ:
            raise SystemExit(f"A recording must have {RATE_HZ:,} samples a second. Received: {path}, {int(rate):,}.")
        x.append(tf.math.log(tf.abs(tf.signal.stft(samples[:, 0], 640, 320, 1024)) @ mels + 1e-3))
    return np.stack(x)[..., np.newaxis], np.array([words.index(path.parent.name) for path in paths]), words


def build(n_words: int) -> keras.Model:
    """A small DS-CNN, as in "Hello Edge" (arXiv 1711.07128)."""
    layers = [keras.Input((49, 40, 1)), keras.layers.Conv2D(32, (10, 4), 2, "same", use_bias=False)]
    for _ in range(3):
        for layer in (keras.layers.DepthwiseConv2D(3, padding="same"), keras.layers.Conv2D(32, 1)):
            layers += [keras.layers.BatchNormalization(momentum=0.9), keras.layers.ReLU(6.0), layer]
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(n_words, "softmax")])


def main(arguments: list[str] | None = None) -> dict[str, tuple[float, float]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs=2, metavar=("WORDS", "USER"), help="folders of words")
    parser.add_argument("--out", default="keywords.tflite", help="the bundle that is written")
    chosen = parser.parse_args(arguments)
    (x, y, words), (x_user, y_user, user_words) = map(read_words, chosen.folders)
    keras.utils.set_random_seed(0)
    model = build(len(words))
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, 16, epochs=30, verbose=0)
    if words != user_words:  # Others begin with a new last layer.
        model.pop()
        model.add(keras.layers.Dense(len(user_words), "softmax"))
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, ram="128KB", update_fraction=0.1, quantize="int8"))
    sparse.compile(keras.optimizers.SGD(LEARNING_RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    redraw = tfdgsu.DynamicSparseCallback(policy="random", every=50)
    tfdgsu.export.export_training_bundle(
        sparse, chosen.out, representative_data=x[:: len(x) // 200 + 1], callback=redraw
    )
    device = tfdgsu.micro_runtime.Session(chosen.out)
    judge, train = np.split(np.random.default_rng(0).permutation(len(y_user)), [len(y_user) // 3])
    held_out = x_user[judge], y_user[judge]
    before = sparse.evaluate(*held_out, verbose=0)[1], device.evaluate(*held_out).accuracy
    sparse.fit(x_user[train], y_user[train], 1, EPOCHS, verbose=0, shuffle=False, callbacks=[redraw])
    for i in [*train] * EPOCHS:
        device.train(x_user[i], y_user[i], LEARNING_RATE)
    after = sparse.evaluate(*held_out, verbose=0)[1], device.evaluate(*held_out).accuracy
    print(f"Accuracy on {len(judge)} recordings, in Keras: {before[0]:.1%} before, {after[0]:.1%} after")
    print(f"In TFLM, {device.arena_report().total_bytes:,} bytes of RAM: {before[1]:.1%} before, {after[1]:.1%} after")
    return {"before": before, "after": after}


if __name__ == "__main__":
    main()
