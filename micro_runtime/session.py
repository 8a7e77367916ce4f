# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Training and inference with a bundle, on TensorFlow Lite Micro in this process."""

import os
import threading
from collections.abc import Mapping

import numpy as np

from . import examples
from .arena_report import ArenaReport
from .bundle import InputQuantization, read_bundle
from .errors import ArenaError, InterpreterError, NonFiniteLossError
from .evaluation import Evaluation, score
from .interpreter import Interpreter
from .recommended_arena import ARENA_ALIGNMENT, SMALLEST_ARENA_BYTES, recommend_arena
from .weights_file import read_weights, write_weights

_LARGEST_DEFAULT_ARENA_BYTES = 1 << 30
_REDRAWN_BY_DEVICE = ("cyclic", "random")


class Session:
    """A bundle on the real interpreter: what a microcontroller would do, step for step.

    One session may be used from several threads: calls wait for each other.

    Example:
        device = tfdgsu.micro_runtime.Session("model.tflite")
        for x, y in stream:
            loss = device.train(x, y, learning_rate=0.05)
        probabilities = device.infer(x)
        device.save("weights.tfdw")

    Args:
        path: Bundle written by `export_training_bundle`.
        arena_bytes: Size of the arena. Default: the smallest that the exporter predicted to work.

    Raises:
        OSError: The file can't be read.
        BundleError: It is damaged or not a bundle.
        ArenaError: `arena_bytes` is too small.
        ImportError: The wrong tflite-micro is installed, or the plugin is not built.
    """

    def __init__(self, path: str | os.PathLike, arena_bytes: int | None = None):
        self._lock = threading.RLock()
        self._bundle = read_bundle(path)
        self._arena_bytes = self._choose_arena(arena_bytes)
        try:
            self._interpreter = Interpreter(self._bundle.data, self._arena_bytes)
        except InterpreterError as error:
            raise self._explain(error) from error
        self._is_loaded = False

    @property
    def batch_size(self) -> int:
        """Examples per step, baked in at export."""
        return self._bundle.batch_size

    @property
    def input_quantization(self) -> InputQuantization | None:
        """(scale, zero_point) of an int8 bundle's input, real = scale * (integer - zero_point); None for float32.

        Float32 inputs are quantized as clip(rint(x / scale) + zero_point, -128, 127), all of it in float32.
        """
        return self._bundle.input_quantization

    def train(self, x, y, learning_rate: float) -> float:
        """One training step.

        Args:
            x: float32, the batch shape baked in at export, or one example if that batch is 1. An int8 bundle
                takes float32, which it quantizes (`input_quantization`), or int8 as it is.
            y: Labels as the loss has them: integer class numbers [B], or values shaped as the output, float32 [B, N].
            learning_rate: Finite, not negative; the schedule is the caller's.

        Returns:
            The loss before the update.

        Raises:
            TypeError, ValueError: An argument is wrong; nothing ran.
            NonFiniteLossError: The loss is NaN or infinite; the weights are as they were.
        """
        inputs = {
            "x": examples.check_x(self._bundle, x),
            "y": examples.check_y(self._bundle, y),
            "learning_rate": examples.check_learning_rate(learning_rate),
        }
        with self._lock:
            self._invoke(inputs, train=1)
            loss = float(self._output("loss")[0])
        if not np.isfinite(loss):
            raise NonFiniteLossError(
                f"The loss must be finite. Received: {loss}. The step was not applied. "
                "Remedy: lower the learning rate, or reset() or restore() if earlier steps spoiled the weights."
            )
        return loss

    def infer(self, x) -> np.ndarray:
        """The model's output.

        Args:
            x: As in `train`.

        Returns:
            float32 [B, N], of an int8 bundle too, for a batch, [N] for one example given without batch axis.

        Raises:
            TypeError, ValueError: `x` has another shape or dtype, or holds NaN or infinity; nothing ran.
        """
        batch = examples.check_x(self._bundle, x)
        with self._lock:
            self._invoke({"x": batch}, train=0)
            output = self._output("output")
        return output if np.ndim(x) == batch.ndim else output[0]

    def evaluate(self, x, y) -> Evaluation:
        """Loss and accuracy over any number of examples; trains nothing.

        The loss is that of Keras' loss function on `output`, where probabilities are clipped to [1e-7, 1 - 1e-7].
        The loss that `train` returns is of the logits when the model ends in softmax or sigmoid, so that the two
        differ for examples with less than 1e-7 for the right class, and otherwise in rounding only.

        Args:
            x: float32 [N, ...], or int8 for an int8 bundle.
            y: Labels of all N, as in `train`.

        Raises:
            TypeError, ValueError: An argument is wrong.
        """
        x, y = np.asarray(x), np.asarray(y)
        if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or len(x) == 0:
            raise ValueError(
                "x and y must hold the same number of examples, at least one. "
                f"Received: shapes {list(x.shape)} and {list(y.shape)}. Remedy: pass one label for each example."
            )
        size = self._bundle.batch_size
        outputs, labels = [], []
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            if start + size > len(x):  # The last batch is filled up with its own last example.
                rows = np.minimum(np.arange(start, start + size), len(x) - 1)
            outputs.append(self.infer(x[rows]))
            labels.append(examples.check_y(self._bundle, y[rows]))
        outputs, labels = np.concatenate(outputs)[: len(x)], np.concatenate(labels)[: len(x)]
        return score(self._bundle.document["loss"], outputs, labels)

    def variables(self) -> dict[str, np.ndarray]:
        """Copies of all variables by name, weights in TFLite's layouts."""
        with self._lock:
            self._load_factory_values()
            variables = self._bundle.variables.values()
            return {v.name: self._interpreter.get_output(v.output_position) for v in variables}

    def save(self, path: str | os.PathLike) -> None:
        """Writes all variables into a `.tfdw` file: the file is the old one or the new one, never a part.

        Raises:
            OSError: The file can't be written.
        """
        write_weights(path, self._bundle, self.variables())

    def restore(self, path: str | os.PathLike) -> None:
        """Sets all variables from a file that `save` wrote from this same bundle.

        Raises:
            OSError: The file can't be read.
            WeightsFileError: The file is damaged or of another bundle; nothing was changed.
            ValueError: It holds NaN, infinity, or channel numbers out of range; nothing was changed.
        """
        values = read_weights(path, self._bundle)
        examples.check_restored(self._bundle, values)
        with self._lock:
            self._set_variables(values)

    def reset(self) -> None:
        """Back to the factory: the weights that the bundle was exported with."""
        with self._lock:
            self._interpreter.reset()
            self._is_loaded = False

    def select_channels(self, channels: Mapping[str, np.ndarray]) -> None:
        """Sets the channels to update, for policies whose scores are computed off the device.

        Clears the velocity of those layers' kernels, as a re-draw does.

        Args:
            channels: Layer name to distinct channel numbers, integers [k] with k as the plan says. Of a layer with a pool
                of channels they are positions in the pool (`SparseUpdateModel.pool_channels`).

        Raises:
            TypeError: `channels` is no mapping.
            ValueError: The device draws channels itself, a layer has none to select, or the numbers don't fit.
        """
        policy = self._bundle.document["schedule"]["policy"]
        if policy in _REDRAWN_BY_DEVICE:
            raise ValueError(
                f"channels must be left to the device with policy '{policy}'. Received: {list(channels)}. "
                "Remedy: export with policy 'importance', 'gradient' or one of your own."
            )
        if not isinstance(channels, Mapping):
            raise TypeError(
                "channels must map layer names to channel numbers. "
                f"Received: {channels!r:.80}. Remedy: pass a dict such as {{'layer': [0, 1]}}."
            )
        values = {}
        for layer, selected in channels.items():
            if f"{layer}/channels" not in self._bundle.variables:
                known = [v.layer for v in self._bundle.variables.values() if v.role == "channels"]
                raise ValueError(
                    f"layer must be one whose channels can be selected, {known}. Received: {layer!r}. "
                    "Remedy: leave it out."
                )
            values[f"{layer}/channels"] = examples.check_channels(self._bundle, layer, selected)
            velocity = self._bundle.variables.get(f"{layer}/kernel/velocity")
            if velocity is not None:
                values[velocity.name] = np.zeros(velocity.shape, velocity.dtype)
        with self._lock:
            self._set_variables(values)

    def arena_report(self) -> ArenaReport:
        """Measured and predicted use of the arena."""
        with self._lock:
            usage = self._interpreter.arena_usage()
        header = self._bundle.header
        return ArenaReport(*usage, self._arena_bytes, header.arena_bytes_x86_64, header.arena_bytes_cortex_m)

    def _set_variables(self, values: Mapping[str, np.ndarray]) -> None:
        # Otherwise the first invoke would overwrite them with the factory values.
        self._load_factory_values()
        for name, value in values.items():
            self._interpreter.set_input(self._bundle.variables[name].input_position, value)

    def _load_factory_values(self) -> None:
        if not self._is_loaded:
            x = self._bundle.inputs["x"]
            self._invoke({"x": np.zeros(x.shape, x.dtype)}, train=0)

    def _invoke(self, inputs: Mapping[str, np.ndarray], train: int) -> None:
        for name, value in {**inputs, "train": np.array([train], np.int32)}.items():
            self._interpreter.set_input(self._bundle.inputs[name].position, value)
        self._interpreter.invoke()
        self._is_loaded = True

    def _output(self, name: str) -> np.ndarray:
        return self._interpreter.get_output(self._bundle.outputs[name].position)

    def _recommended_arena_bytes(self) -> int:
        return recommend_arena(self._bundle, self._bundle.header.minimum_arena_bytes_x86_64)

    def _choose_arena(self, arena_bytes: int | None) -> int:
        recommended = self._recommended_arena_bytes()
        if arena_bytes is None:
            if recommended > _LARGEST_DEFAULT_ARENA_BYTES:
                raise ArenaError(
                    f"Arena must be given when it exceeds 1 GiB. Received: a need of {recommended:,} bytes. "
                    "Remedy: pass arena_bytes."
                )
            return recommended
        if not isinstance(arena_bytes, (int, np.integer)) or isinstance(arena_bytes, bool):
            raise TypeError(
                f"arena_bytes must be an integer. Received: {arena_bytes!r}. Remedy: pass a number of bytes, or None."
            )
        needed = max(self._bundle.header.minimum_arena_bytes_x86_64, SMALLEST_ARENA_BYTES)
        if arena_bytes < needed:
            raise ArenaError(
                f"Arena needs {needed:,} bytes on this machine. Received: arena_bytes={arena_bytes:,}. "
                f"Remedy: leave arena_bytes out, or give at least {recommended:,}."
            )
        return int(arena_bytes) // ARENA_ALIGNMENT * ARENA_ALIGNMENT

    def _explain(self, error: InterpreterError) -> Exception:
        """Where the exporter knew a lower bound only, a small arena is the caller's mistake, not the model's."""
        recommended = self._recommended_arena_bytes()
        if self._arena_bytes >= recommended:
            return error
        return ArenaError(
            f"Arena needs up to {recommended:,} bytes. Received: arena_bytes={self._arena_bytes:,}. "
            f"Remedy: leave arena_bytes out, or give as many. TFLM says: {error}"
        )
