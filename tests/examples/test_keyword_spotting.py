# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""examples/keyword_spotting.py learns new words of a new voice, in Keras and in TFLM, and refuses what it can't read."""

import pathlib
import sys

import numpy as np
import pytest

import tfdgsu

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import example_scripts

FACTORY = {
    "up": [(400, 900)],
    "down": [(900, 400)],
    "flat": [(500, 500), (1200, 1200)],
    "zig": [(400, 900), (900, 400)],
}
USER = {"open": [(700, 1500)], "shut": [(1500, 700)], "stop": [(1100, 1100), (1100, 1100)]}


@pytest.fixture(scope="module")
def example():
    return example_scripts.load("keyword_spotting")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keywords")
    example_scripts.write_words(folder / "words", FACTORY, (0.8, 1.0, 1.2), 16)
    example_scripts.write_words(folder / "user", USER, (1.4,), 21)
    return folder


@pytest.mark.slow
def test_new_words_are_learned_in_keras_and_in_tflm(example, folders, capsys):
    bundle = folders / "keywords.tflite"
    results = example.main([str(folders / "words"), str(folders / "user"), f"--out={bundle}"])
    for before, after in zip(results["before"], results["after"], strict=True):
        assert before < 0.6
        assert after > 0.8
    assert f"{results['after'][1]:.1%} after" in capsys.readouterr().out
    inspection = tfdgsu.micro_runtime.inspect_bundle(bundle)
    assert inspection.dtype == "int8"
    assert inspection.measured.total_bytes == inspection.measured.predicted_bytes <= 128 * 1024


@pytest.mark.slow
def test_known_words_keep_their_last_layer(example, folders, tmp_path, monkeypatch):
    """Words of the factory in another voice are recognized before anything is learned of it."""

    class Stop(Exception):
        pass

    def stop(sparse, *arguments, **settings):
        raise Stop(sparse)

    monkeypatch.setattr(tfdgsu.export, "export_training_bundle", stop)
    example_scripts.write_words(tmp_path, FACTORY, (1.0,), 6)
    with pytest.raises(Stop) as stopped:
        example.main([str(folders / "words"), str(tmp_path)])
    (sparse,) = stopped.value.args
    x, y, _ = example.read_words(tmp_path)
    assert sparse.evaluate(x, y, verbose=0)[1] > 0.9


def test_spectrograms_show_the_tone(example, tmp_path):
    time_s = np.arange(16_000) / 16_000
    for word, frequency in (("high", 2000), ("low", 500)):
        example_scripts.write_wav(tmp_path / word / "a.wav", 0.5 * np.sin(2 * np.pi * frequency * time_s))
    x, y, words = example.read_words(tmp_path)
    assert (x.shape, list(y), words) == ((2, 49, 40, 1), [0, 1], ["high", "low"])
    peaks = x[..., 0].mean(axis=1).argmax(axis=-1)
    mel = 2595 * np.log10(1 + np.array([60, 500, 2000, 7600]) / 700)
    expected = (mel[[2, 1]] - mel[0]) / (mel[3] - mel[0]) * 41 - 1  # 40 triangles between 42 points.
    np.testing.assert_allclose(peaks, expected, atol=1)


def test_folders_without_two_words_are_refused(example, folders, tmp_path):
    example_scripts.write_wav(tmp_path / "one" / "a.wav", np.zeros(16_000))
    with pytest.raises(SystemExit, match=r"Two words or more .* Received: \['one'\]"):
        example.main([str(tmp_path), str(folders / "user")])
    with pytest.raises(SystemExit, match=r"Received: \[\] in .*nowhere"):
        example.main([str(tmp_path / "nowhere"), str(folders / "user")])


def test_other_recordings_are_refused(example, tmp_path):
    example_scripts.write_wav(tmp_path / "a" / "a.wav", np.zeros(16_000))
    example_scripts.write_wav(tmp_path / "b" / "b.wav", np.zeros(8_000), rate_hz=8_000)
    with pytest.raises(SystemExit, match=r"16,000 samples a second. Received: .*b.wav, 8,000"):
        example.read_words(tmp_path)
    (tmp_path / "b" / "b.wav").write_bytes(b"ID3 no WAV file")
    with pytest.raises(SystemExit, match=r"WAV file of 16 bit. Received: .*b.wav"):
        example.read_words(tmp_path)
