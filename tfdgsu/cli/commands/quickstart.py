# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu quickstart`: the whole path on real data, in about a minute."""

from __future__ import annotations

import importlib
import json
import pathlib
import time
from typing import TYPE_CHECKING

from absl import flags

from ...atomic_write import atomic_write
from ..command import Command
from ..progress import progress_bar

if TYPE_CHECKING:
    from ..quickstart.experiment import Outcome

_FIGURE_NAME = "quickstart.png"
_RESULT_NAME = "quickstart.json"


class QuickstartCommand(Command):
    name = "quickstart"
    summary = "See the whole path on real data: pretrain, shift, fine-tune in Keras and in TFLM, compare."
    description = """
        Trains a small convolutional network on handwritten digits that come with scikit-learn. Then the camera is
        mounted askew: all digits are rotated by 45 degrees, and the network fails. It is fine-tuned on rotated digits by
        sparse updates, one image per step: in Keras, and from the same start with the same images in the same order in
        TensorFlow Lite Micro, once with float32 arithmetic and once with int8 weights and activations.

        Prints accuracy before and after on rotated digits that neither side trained on, how far the losses differ, the
        arena as predicted and as measured, and where its bytes go. Writes into the folder --out_dir the bundles
        digits.tflite and digits_int8.tflite, a figure, the results as JSON, and for trying the other commands the pretrained network
        digits.keras and the images digits.npz. Downloads nothing.
    """
    examples = ("tfdgsu quickstart", "tfdgsu quickstart --out_dir /tmp/digits")

    def define_flags(self, values: flags.FlagValues) -> None:
        flags.DEFINE_string("out_dir", "quickstart_out", "Folder to write to; made if missing.", flag_values=values)

    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        start_s = time.monotonic()
        _require("sklearn", "scipy", "matplotlib")
        out_dir = pathlib.Path(values.out_dir)
        out_dir.mkdir(parents=True, exist_ok=True)
        print("Loading TensorFlow ...", flush=True)
        from ..load_model import import_keras_quietly

        import_keras_quietly()
        from ..quickstart import experiment, figure, summary

        outcome = experiment.run(out_dir, progress_bar, say=lambda text: print(text, flush=True))
        atomic_write(out_dir / _RESULT_NAME, (json.dumps(summary.to_dict(outcome), indent=2) + "\n").encode())
        figure.write_figure(outcome, out_dir / _FIGURE_NAME)
        print(f"\n{summary.format_summary(outcome)}\n")
        print(_format_files(out_dir, outcome))
        print(f"Took {time.monotonic() - start_s:.0f} s.")


def _require(*modules: str) -> None:
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise ImportError(
                f"The quickstart needs scikit-learn and matplotlib. Received: no module {error.name!r}. "
                "Install them with: pip install 'tfdgsu[quickstart]'"
            ) from error


def _format_files(out_dir: pathlib.Path, outcome: Outcome) -> str:
    from ..quickstart.experiment import BUNDLE_NAME, DATA_NAME, NETWORK_NAME

    bundle, network, data = out_dir / BUNDLE_NAME, out_dir / NETWORK_NAME, out_dir / DATA_NAME
    return "\n".join(
        [
            f"Wrote {bundle} ({outcome.report.file_bytes:,} bytes), {out_dir / _FIGURE_NAME}, {out_dir / _RESULT_NAME}.",
            "Look further:",
            f"  tfdgsu inspect {bundle} --output report.html",
            f"  tfdgsu plan {network} --ram 96KB --update_fraction 0.05 --out plan.json",
            f"  tfdgsu export {network} --plan plan.json --out model.tflite",
            f"  tfdgsu run model.tflite --data {data}",
        ]
    )
