# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu export`: from a Keras model to a file that TensorFlow Lite Micro trains or infers with."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from absl import flags

from ...number_format import ROUNDINGS
from ..command import Command, UsageError
from ..load_model import load_model

if TYPE_CHECKING:
    from ...export import ExportReport
    from ...sparse_update_model import SparseUpdateModel

# By Keras's name, the class that computes it.
_LOSSES = {
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "binary_crossentropy": "BinaryCrossentropy",
    "mean_squared_error": "MeanSquaredError",
}
_POLICIES = ("static", "static_l1", "cyclic", "random", "importance", "gradient", "fisher")
# Only fine-tuning in Keras uses a rate; on the device it is an input of every step.
_UNUSED_LEARNING_RATE = 0.01


class ExportCommand(Command):
    name = "export"
    summary = "Compile a model and a plan into one .tflite that TensorFlow Lite Micro trains with."
    description = """
        Lowers forward pass, loss, backward pass and weight update into one .tflite file with the signatures train,
        infer, save and restore, and prints the arena it will need.

        MODEL is either a plain Keras model, together with --plan (see 'tfdgsu plan --out'), or a compiled
        tfdgsu.SparseUpdateModel, which brings plan, loss, optimizer and schedule along.

        With --inference it writes the forward pass alone, for a device that does not train.
    """
    examples = (
        "tfdgsu export model.keras --plan plan.json --out model.tflite",
        "tfdgsu export model.keras --plan plan.json --out model.tflite --momentum 0.9 --policy cyclic --every 50",
        "tfdgsu export model.keras --plan int8.json --representative_data examples.npz",
        "tfdgsu export model.keras --inference --out infer.tflite --c_array infer.c",
    )
    arguments = ("MODEL.keras",)

    def define_flags(self, values: flags.FlagValues) -> None:
        flags.DEFINE_string("plan", None, "JSON file of the plan. Needed for a plain Keras model.", flag_values=values)
        flags.DEFINE_string("out", "model.tflite", "The file to write.", flag_values=values)
        flags.DEFINE_enum(
            "loss",
            "sparse_categorical_crossentropy",
            list(_LOSSES),
            "Loss that the device computes.",
            flag_values=values,
        )
        flags.DEFINE_bool("from_logits", False, "The model's output is not yet a probability.", flag_values=values)
        flags.DEFINE_enum(
            "optimizer", "sgd", ["sgd", "lars"], "How the device updates; lars is tfdgsu.LARS.", flag_values=values
        )
        flags.DEFINE_float("momentum", None, "Momentum; 0 for sgd and 0.9 for lars if not given.", flag_values=values)
        flags.DEFINE_float("trust_coefficient", None, "Of lars; its default if not given.", flag_values=values)
        flags.DEFINE_bool("nesterov", False, "Nesterov momentum.", flag_values=values)
        flags.DEFINE_enum(
            "policy",
            "static",
            _POLICIES,
            "How channels are re-drawn. The device computes cyclic and random itself; for the last three it takes "
            "channel numbers as inputs.",
            flag_values=values,
        )
        flags.DEFINE_integer("every", 100, "Steps from one re-draw to the next.", flag_values=values)
        flags.DEFINE_integer("seed", 0, "Seed of the re-draws, an unsigned 32-bit number.", flag_values=values)
        flags.DEFINE_integer("batch_size", 1, "Examples per step, baked into the file.", flag_values=values)
        flags.DEFINE_string(
            "ram",
            None,
            "Refuse an arena larger than this, such as '256KB'. Default: the plan's budget.",
            flag_values=values,
        )
        flags.DEFINE_string("c_array", None, "Also write the file as a C array, to this path.", flag_values=values)
        flags.DEFINE_enum("quantize", None, ["int8"], "Default: what the plan was made for.", flag_values=values)
        flags.DEFINE_string(
            "representative_data",
            None,
            "For int8: an .npz file with the arrays x and y, such as 'tfdgsu run' takes; x calibrates the model.",
            flag_values=values,
        )
        flags.DEFINE_enum(
            "rounding",
            None,
            list(ROUNDINGS),
            "How updates of int8 weights are rounded. Default: what the plan was made for.",
            flag_values=values,
        )
        flags.DEFINE_bool("inference", False, "Write the forward pass alone; takes no --plan.", flag_values=values)

    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        if values.inference and values.plan is not None:
            raise UsageError(
                "--inference writes no training step, so it takes no --plan. "
                f"Received: --plan={values.plan}. Leave one of the two out."
            )
        model = load_model(arguments[0])
        report = _export_inference(model, values) if values.inference else _export_training(model, values)
        print(report.summary())


def _export_inference(model, values: flags.FlagValues) -> ExportReport:
    from ...export import export_inference_model

    if values.rounding is not None:
        raise UsageError(
            f"--inference rounds no updates. Received: --rounding={values.rounding}. Leave one of the two out."
        )
    return export_inference_model(model, values.out, **_common(values))


def _export_training(model, values: flags.FlagValues) -> ExportReport:
    from ...dynamic_sparse_callback import DynamicSparseCallback
    from ...export import export_training_bundle
    from ...sparse_update_model import SparseUpdateModel

    callback = None
    if isinstance(model, SparseUpdateModel):
        _check_brings_all(values)
    else:
        model = _make_sparse(model, values)
        callback = DynamicSparseCallback(values.policy, values.every, values.seed)
    return export_training_bundle(
        model,
        values.out,
        rounding=values.rounding,
        callback=callback,
        **_common(values),
    )


def _common(values: flags.FlagValues) -> dict:
    """Arguments of both exports."""
    return {
        "batch_size": values.batch_size,
        "quantize": values.quantize,
        "representative_data": _read_examples(values.representative_data),
        "ram": values.ram,
        "c_array_path": values.c_array,
    }


def _read_examples(path: str | None):
    from ..labelled_data import read_labelled_data

    return None if path is None else read_labelled_data(path).x


def _make_sparse(model, values: flags.FlagValues) -> SparseUpdateModel:
    """The model with plan, loss and optimizer."""
    from ...sparse_update_model import SparseUpdateModel

    sparse = SparseUpdateModel(model, _read_plan(values.plan))
    sparse.compile(_make_optimizer(values), loss=_make_loss(values))
    return sparse


def _make_optimizer(values: flags.FlagValues):
    import keras

    from ...lars import LARS

    given = {name: values[name].value for name in ("momentum", "trust_coefficient") if values[name].value is not None}
    if values.optimizer == "lars":
        if values.nesterov:
            raise UsageError("lars has no Nesterov momentum. Received: --nesterov. Leave it out.")
        return LARS(_UNUSED_LEARNING_RATE, **given)
    if values.trust_coefficient is not None:
        raise UsageError("sgd has no trust coefficient. Received: --trust_coefficient. Leave it out, or take lars.")
    return keras.optimizers.SGD(_UNUSED_LEARNING_RATE, nesterov=values.nesterov, **given)


def _make_loss(values: flags.FlagValues):
    import keras

    loss_class = getattr(keras.losses, _LOSSES[values.loss])
    if values.loss == "mean_squared_error":
        if values.from_logits:
            raise UsageError(
                "mean_squared_error compares outputs as they are, so it takes no --from_logits. "
                "Received: --from_logits. Leave it out."
            )
        return loss_class()
    return loss_class(from_logits=values.from_logits)


def _check_brings_all(values: flags.FlagValues) -> None:
    """A SparseUpdateModel has its own settings; flags that say otherwise would be ignored silently."""
    names = ("plan", "loss", "from_logits", "optimizer", "momentum", "trust_coefficient", "nesterov")
    names += ("policy", "every", "seed")
    given = [f"--{name}" for name in names if values[name].present]
    if given:
        raise UsageError(
            f"MODEL is a SparseUpdateModel, which brings its own. Received: {', '.join(given)}. Leave these flags out."
        )


def _read_plan(path: str | None):
    from ...sparse_update_plan import SparseUpdatePlan

    if path is None:
        raise UsageError(
            "A plain Keras model needs a plan. Received: no --plan. "
            "Make one with 'tfdgsu plan MODEL.keras --out plan.json'."
        )
    text = pathlib.Path(path).read_text(encoding="utf-8")
    try:
        return SparseUpdatePlan.from_json(text)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"--plan must be a file that 'tfdgsu plan --out' wrote. Received: {path!r} ({error}). "
            "Make it again with 'tfdgsu plan MODEL.keras --out plan.json'."
        ) from error
