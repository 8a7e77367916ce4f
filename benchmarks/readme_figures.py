# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the README's figures from the stored results, so that none is typed by hand.

python benchmarks/readme_figures.py
"""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN = "<!-- figures: written by benchmarks/readme_figures.py from benchmarks/results/ -->\n"
END = "<!-- end of figures -->\n"


def format_figures(quickstart: dict, keras_step: dict) -> str:
    """The README's paragraphs with figures, as Markdown."""
    accuracy, memory = quickstart["accuracy"], keras_step["peak_memory_bytes"]
    keras_gain, tflm_gain = (
        f"{accuracy[f'{side}_before']:.3f} to {accuracy[f'{side}_after']:.3f}" for side in ("keras", "tflm")
    )
    return "\n".join(
        [
            (
                f"On {quickstart['n_cpus']} CPUs it takes {quickstart['duration_s']:.0f} s. On "
                f"{quickstart['n_held_out']} held-out digits {quickstart['shift']}, accuracy goes from {keras_gain} in "
                f"Keras and from {tflm_gain} in TFLM, in {quickstart['n_steps']:,} steps that each update "
                f"{100 * quickstart['update_fraction']:.2f}% of the convolution weights. The losses of the first "
                f"{quickstart['n_equal_steps']:,} steps differ by at most "
                f"{quickstart['max_loss_difference_of_equal_steps']:.1e}. The arena is "
                f"{quickstart['arena_predicted_bytes']:,} bytes predicted and {quickstart['arena_measured_bytes']:,} "
                f"measured; {quickstart['arena_cortex_m_predicted_bytes']:,} are predicted for a Cortex-M."
            ),
            "",
            (
                f"In Keras, a sparse step on {keras_step['what']}, updating "
                f"{100 * keras_step['plan']['update_fraction']:.1f}% of the convolution weights, is "
                f"{keras_step['speedup_over_dense']:.1f} times as fast as dense full fine-tuning, and "
                f"{keras_step['speedup_over_dense_folded']:.1f} times as fast as dense fine-tuning of the same "
                f"batch-norm-folded model; it takes {memory['sparse'] / 2**20:.0f} MiB instead of "
                f"{memory['dense'] / 2**20:.0f} and {memory['dense_folded'] / 2**20:.0f}."
            ),
            "",
        ]
    )


def read_figures() -> str:
    """`format_figures` of the stored results."""
    results = ROOT / "benchmarks" / "results"
    documents = [json.loads((results / f"{name}.json").read_text()) for name in ("quickstart", "keras_step")]
    return format_figures(*documents)


def main():
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(before + BEGIN + read_figures() + END + after)


if __name__ == "__main__":
    main()
