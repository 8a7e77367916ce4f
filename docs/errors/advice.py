# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Advice that goes beyond a message's own remedy, by the message's first words; and what to do about each status."""

MESSAGES = {
    "This plan needs at least ram=": (
        "What would fit follows. The three largest buffers say where to begin: an activation wants a smaller input, a kernel fewer update "
        'layers. `quantize="int8"` takes about a quarter.'
    ),
    "Arena needs … bytes, budget is": (
        "The plan's estimate was a little below what the file needs. `report.arena_map()` of an export without `ram=` "
        "shows the peak."
    ),
    "gradient must be able to pass through it.": (
        "Moving the deepest update layer behind the layer is the usual way: `layers=` or `n_layers=`."
    ),
    "Every op between the deepest update layer and the loss needs a gradient rule.": (
        "The op is what the Keras layer was converted to. A rule for it can be [added](how-to/add_an_op.md)."
    ),
    "TensorFlow Lite cannot convert model": (
        "Try `model.export` or `tf.lite.TFLiteConverter` on the layers one by one; "
        "see [debug a failing export](how-to/debug_an_export.md)."
    ),
    "Filters of an int8 update layer get their scale from their values, for good.": (
        "A layer that was just added has this if it was initialised with zeros."
    ),
    "The loss must be finite.": "Often a learning rate made for batches, used with single images.",
    "tflite-micro must be version": (
        "Another package may have upgraded it. Later releases hide the symbol by which the plugin registers its ops."
    ),
    "The plugin must be built at installation.": "The build needs gcc; `pip install -v` shows its messages.",
    "TFLM must … the model.": (
        "Files of the exporter are checked before TFLM sees them, so this is rare; please report it with the bundle."
    ),
    "Weights must be of this bundle": (
        "Exporting again makes another bundle, even of the same model. Go through Keras: "
        "`tfdgsu.load_checkpoint`, then export."
    ),
    "A checkpoint goes into a model with the frozen weights of its bundle.": (
        "A device holds frozen weights in flash; only the others travel in a checkpoint."
    ),
    "A plan must be made for the model it is used with.": (
        "Also when a layer was renamed, or when Keras numbered a name anew: give update layers names of their own."
    ),
    "'tfdgsu …' takes": "The usage follows; `--help` explains it.",
    "DynamicSparseCallback needs a tfdgsu.SparseUpdateModel.": "It was given to `fit` of the plain model.",
}

TRAINER = {
    "NotABundle": "Is it a file of `export_training_bundle`? An inference model has no header.",
    "BundleVersion": "Export again with the release that the firmware was built with, or build the firmware anew.",
    "BundleLength": "Copy the file again; pass its exact size.",
    "BundleDamaged": "Copy the file again; check the flash.",
    "BundleMisaligned": "Use the array of `tfdgsu codegen`, or align the memory to 16.",
    "BundleUnsupported": "Export again with the release of this library.",
    "ArenaMisaligned": "`alignas(16)` in front of the array.",
    "ArenaTooSmall": "Use `kModelArenaBytes` of `tfdgsu codegen`.",
    "OpMissing": "`missing_op()` names it. Use the resolver of `tfdgsu codegen`, made from this very bundle.",
    "AllocationFailed": "Read what TFLM printed through `DebugLog`. Usually the arena is too small for its own resolver.",
    "InvokeFailed": "Read what TFLM printed. The weights may have moved in part: `Reset`, or restore a checkpoint.",
    "ResetFailed": "Read what TFLM printed; initialise again.",
    "NotInitialised": "Call `Init` and look at what it returns.",
    "AlreadyInitialised": "Make one trainer for each bundle, or destroy the first.",
    "NullPointer": "Pass the array; nothing may be left out.",
    "WrongSize": "Compare with `x_elements()` and `y_elements()`.",
    "WrongType": "float32, or int8 for an int8 bundle; labels int32 or float32, as the loss takes them.",
    "NotFinite": "Drop the example; look at the sensor.",
    "LabelOutOfRange": "Classes are numbered from 0.",
    "BadLearningRate": "Pass one such as 0.01.",
    "NoSuchVariable": "Names are those of `tfdgsu inspect`.",
    "LossNotFinite": "Lower the learning rate; if it stays, `Reset` or restore a checkpoint. The step was not applied.",
}

CHECKPOINTS = {
    "Empty": "Normal at the first start: go on with the factory weights.",
    "Damaged": "Go on with the factory weights, and save anew. If it comes often, look at the flash driver.",
    "OtherVersion": "Start from the factory weights; save anew.",
    "OtherBundle": "Normal after an update of the bundle: its weights don't fit the new one.",
    "OtherVariables": "Pass the variables in the order of the metadata, all of them.",
    "BadStorage": "`page_bytes` must be a multiple of `program_bytes`; see `checkpoint.h`.",
    "BadArgument": "Check pointers and sizes.",
    "TooLarge": "Raise `slot_pages`; `tfdgsu_checkpoint_bytes` says what is needed.",
    "EraseFailed": "Look at the `erase` callback: protection, a busy flash, wear.",
    "ProgramFailed": "Look at the `program` callback: alignment, protection, a unit that was not erased.",
    "VerifyFailed": "Worn cells, or a cache in front of flash that `read` must pass by. Save again.",
    "Unstable": "Reset the weights, then save anew; replace the storage.",
}
