# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A Keras model whose training step updates what a plan says, and keeps for backward only what that needs."""

from collections.abc import Collection, Mapping

import keras
import numpy as np
import tensorflow as tf

from . import channel_statistics, methods, update_variables
from .channel_schedule import ChannelSchedule
from .gradient_path import check, trace
from .layer_graph import flatten
from .optimizer_slots import LayerRate, layer_rate_of, slots_of, velocity_of
from .prepare import prepare
from .sparse_update_plan import SparseUpdatePlan
from .step_writer import StepWriter
from .update_variables import AGGREGATION, UpdateVariables


@keras.saving.register_keras_serializable(package="tfdgsu")
class SparseUpdateModel(keras.Model):
    """Trains some input channels of some layers of a Keras model.

    The model is prepared first (see `tfdgsu.prepare`): flat, batch normalization folded. Training then runs on the
    folded weights, which are what a device holds. Everything but the plan's channels stays bit-identical.

    Example:
        plan = tfdgsu.plan(model, ram="256KB", update_fraction=0.02)
        sparse = tfdgsu.SparseUpdateModel(model, plan)
        sparse.compile(keras.optimizers.SGD(0.05), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        sparse.fit(x, y, callbacks=[tfdgsu.DynamicSparseCallback(policy="random", every=10)])

    Cross-entropy behind a final softmax or sigmoid is taken of the logits, as in plain Keras and on the device.

    Args:
        model: A built Functional or Sequential model; it keeps its own weights.
        plan: A plan made for this model.
        pools: By layer name, the channels that selected ones are drawn from, for layers where the plan has fewer of them
            than channels. Default: those with the largest L1 norm of their weights.

    Attributes:
        model: The prepared functional model; its weights are the trained ones.
        plan: The plan.
        step: int32 scalar variable, training steps so far.
        schedule: `ChannelSchedule`, what re-draws the channels; set by `DynamicSparseCallback`.
        channels: By layer name, int32 [k] variable, for the layers that update some of their channels.
        slices: By layer name, the variable [..., k, O] that the optimizer sees; the kernel itself if k == C.
        biases: By layer name, the bias [O], for layers that update it.
        pools: By layer name, int32 [P] ascending, for layers whose other channels never move (`LayerUpdate.n_mutable`).
        exported_bundles: What the exporter noted of each bundle of this model, for `tfdgsu.load_checkpoint`; `save` keeps it.

    Raises:
        TypeError: `model` is neither Functional nor Sequential, or `plan` is not a `SparseUpdatePlan`.
        ValueError: The plan doesn't belong to the model, or gradient can't pass through one of its layers.
    """

    def __init__(
        self,
        model: keras.Model,
        plan: SparseUpdatePlan,
        name: str | None = None,
        pools: Mapping[str, np.ndarray] | None = None,
        **kwargs,
    ):
        if not isinstance(plan, SparseUpdatePlan):
            raise TypeError(
                f"plan must be a SparseUpdatePlan. Received: plan={plan!r}. Make one with tfdgsu.plan(model, ...)."
            )
        prepared = prepare(model)
        super().__init__(name=name or f"{model.name}_sparse", **kwargs)
        self.model = prepared
        self.plan = plan
        self.schedule = ChannelSchedule()
        self._machine = _Machine(prepared, plan)
        self._statistics: frozenset[str] = frozenset()
        given = _check_pools(plan, pools or {})
        for layer_id, update in enumerate(plan.layers):
            layer = self._machine.path.graph.find(update.name).layer
            self._machine.variables[update.name] = update_variables.create(
                self, layer, update, layer_id, given.get(update.name)
            )
        self.step = self.add_weight(
            name="step", shape=(), dtype="int32", initializer="zeros", trainable=False, aggregation=AGGREGATION
        )
        self._machine.writer = StepWriter(list(self._machine.variables.values()), self.step)
        self.supports_jit = False  # Not tested under XLA; Keras then falls back to jit_compile=False.
        self.built = True

    @property
    def channels(self) -> dict[str, keras.Variable]:
        return {name: item.channels for name, item in self.update_variables.items() if item.channels is not None}

    @property
    def pools(self) -> dict[str, np.ndarray]:
        return {name: item.pool for name, item in self.update_variables.items() if item.update.has_pool}

    @property
    def exported_bundles(self) -> dict[str, dict]:
        return self._machine.exported_bundles

    def pool_channels(self, layer_name: str) -> np.ndarray:
        """Returns the selected channels of a layer as positions in its pool, int32 [k]: what a device stores.

        `channels` has the same ones as numbers of the kernel's input channels: `pool[pool_channels] == channels`.

        Raises:
            ValueError: The plan doesn't select channels of `layer_name`.
        """
        if not self.plan.layer(layer_name).is_sparse:
            raise ValueError(
                f"Only a layer that updates some of its channels has selected ones. Received: layer_name={layer_name!r}. "
                f"Those are {list(self.channels)}."
            )
        return self._machine.variables[layer_name].pool_channels

    @property
    def slices(self) -> dict[str, keras.Variable]:
        return {name: item.slice for name, item in self.update_variables.items() if item.slice is not None}

    @property
    def biases(self) -> dict[str, keras.Variable]:
        return {name: item.bias for name, item in self.update_variables.items() if item.bias is not None}

    @property
    def update_variables(self) -> dict[str, UpdateVariables]:
        """All variables of each update layer, by layer name, in the plan's order."""
        return dict(self._machine.variables)

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """What the optimizer sees, per update layer the kernel slice and the bias."""
        return [variable for item in self._machine.variables.values() for variable in item.trainable]

    @property
    def trainable_weights(self) -> list[keras.Variable]:
        return self.trainable_variables

    @property
    def non_trainable_variables(self) -> list[keras.Variable]:
        return self._without_trainable(self.variables)

    @property
    def non_trainable_weights(self) -> list[keras.Variable]:
        return self._without_trainable(self.weights)

    def _without_trainable(self, variables: list[keras.Variable]) -> list[keras.Variable]:
        trainable = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in variables if id(variable) not in trainable]

    def velocity(self, layer_name: str, weight: str) -> keras.Variable | None:
        """Returns the velocity of SGD with momentum, or of LARS, for a layer's kernel slice or bias; `None` if there is none.

        Args:
            layer_name: An update layer.
            weight: "kernel" or "bias".

        Returns:
            A variable [..., k, O] or [O]. Building the optimizer for it is a side effect, if `fit` hasn't yet.

        Raises:
            ValueError: The plan doesn't update `layer_name`, or `weight` is neither.
        """
        if weight not in ("kernel", "bias"):
            raise ValueError(f"weight must be 'kernel' or 'bias'. Received: weight={weight!r}. Pass one of the two.")
        self.plan.layer(layer_name)
        item = self._machine.variables[layer_name]
        variable = item.slice if weight == "kernel" else item.bias
        return None if variable is None else velocity_of(self._built_optimizer(), variable)

    def layer_rate(self, layer_name: str) -> LayerRate | None:
        """Returns what LARS keeps for the learning rate of a layer's kernel, or `None` if the layer has none of its own.

        Args:
            layer_name: An update layer.

        Returns:
            Three scalar variables. Building the optimizer for them is a side effect, if `fit` hasn't yet.

        Raises:
            ValueError: The plan doesn't update `layer_name`.
        """
        self.plan.layer(layer_name)
        variable = self._machine.variables[layer_name].slice
        return None if variable is None else layer_rate_of(self._built_optimizer(), variable)

    def _built_optimizer(self) -> keras.Optimizer | None:
        optimizer = getattr(self, "optimizer", None)
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.trainable_variables)
        return optimizer

    def call(self, inputs, training=None):
        return self.model(inputs, training=False)

    def make_train_function(self, force: bool = False):
        if getattr(self.optimizer, "use_ema", False):
            raise ValueError(
                "An average of weights can't follow channels that are re-drawn. "
                f"Received: optimizer={self.optimizer.name!r} with use_ema=True. Set use_ema=False."
            )
        # Weights may have been loaded or assigned since the last fit.
        self.refresh_slices()
        return super().make_train_function(force)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        inputs = self.model._standardize_inputs(x)
        self._check_shapes(inputs)

        def loss_of(y_pred):
            loss = self._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
            # Keras divides the loss by the number of replicas; what it reports is the loss of a replica's batch.
            n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
            self._loss_tracker.update_state(loss * n_replicas, sample_weight=tf.shape(inputs[0])[0])
            return self.optimizer.scale_loss(loss)

        machine = self._machine
        channels = {name: tf.convert_to_tensor(variable) for name, variable in self.channels.items()}
        gradients = machine.method.gradients(machine.path, machine.updates, channels, inputs, loss_of)
        pairs = []
        for name, item in machine.variables.items():
            if item.slice is not None:
                pairs.append((gradients.kernels[name], item.slice))
            if item.bias is not None:
                pairs.append((gradients.biases[name], item.bias))
        # Waiting for the reads of a variable isn't enough: an update in place would reach an input gradient that still uses
        # the buffer it got from one.
        statistics = {
            name: channel_statistics.compute(self._statistics, gradients.kernels[name], item.slice)
            for name, item in machine.variables.items()
            if item.channels is not None
        }
        with tf.control_dependencies([*(gradient for gradient, _ in pairs), *tf.nest.flatten(statistics)]):
            self.optimizer.apply_gradients(pairs)
            machine.writer.write(statistics)
        return self.compute_metrics(x, y, gradients.y_pred, sample_weight=sample_weight)

    def _check_shapes(self, inputs: list[tf.Tensor]) -> None:
        """The step calls layers one by one, so nobody else looks at the input as a whole."""
        for tensor, expected in zip(inputs, self.model.inputs, strict=True):
            if not tensor.shape[1:].is_compatible_with(expected.shape[1:]):
                raise ValueError(
                    f"Each example must have the shape of the model's input, {list(expected.shape[1:])}. "
                    f"Received: {list(tensor.shape[1:])}. Resize or reshape x."
                )

    def track_statistics(self, names: Collection[str]) -> None:
        """Says which running means of channels training keeps up to date, see `tfdgsu.policies.Policy.statistics`.

        Raises:
            ValueError: There is no such statistic.
        """
        names = channel_statistics.check_names(names)
        if names != self._statistics:
            self._statistics = names
            self.train_function = None  # It is traced with or without them.

    def set_channels(self, channels: Mapping[str, np.ndarray]) -> None:
        """Selects the channels to update from now on, and clears the optimizer state of their slices.

        Args:
            channels: By layer name, k distinct channel numbers in [0, C), of the layer's pool if it has one; integers [k].

        Raises:
            ValueError: A layer selects no channels in this plan, or the numbers aren't k distinct ones in range and pool.
        """
        checked = {name: self._check_channels(name, indices) for name, indices in channels.items()}
        for name, indices in checked.items():
            item = self._machine.variables[name]
            item.channels.assign(indices)
            item.slice.assign(item.gather())
            for slot in slots_of(getattr(self, "optimizer", None), item.slice):
                slot.assign(tf.zeros(slot.shape, slot.dtype))

    def kept_elements_per_channel(self, layer_name: str) -> int:
        """Returns how many input elements one selected channel keeps for backward, at the plan's batch size.

        Raises:
            ValueError: The plan doesn't update `layer_name`.
        """
        x = self._machine.path.graph.find(layer_name).inputs[0]
        return x.n_elements(self.plan.batch_size) // self.plan.layer(layer_name).n_channels

    def refresh_slices(self) -> None:
        """Copies the kernels' selected channels to the slices, after kernels were assigned from outside."""
        for item in self._machine.variables.values():
            if item.channels is not None:
                item.slice.assign(item.gather())

    def _check_channels(self, name: str, indices: np.ndarray) -> np.ndarray:
        update = self.plan.layer(name)
        indices = np.asarray(indices)
        is_valid = (
            update.is_sparse
            and indices.shape == (update.n_selected,)
            and np.issubdtype(indices.dtype, np.integer)
            and len(set(indices.tolist())) == update.n_selected
            and 0 <= indices.min()
            and indices.max() < update.n_channels
        )
        if not is_valid:
            raise ValueError(
                f"Layer {name!r} takes {update.n_selected if update.is_sparse else 'no'} distinct channel numbers in "
                f"[0, {update.n_channels}). Received: {indices!r}. Make the policy return such numbers, or plan again."
            )
        pool = self._machine.variables[name].pool
        if not np.isin(indices, pool).all():
            raise ValueError(
                f"Layer {name!r} draws its channels from its pool of {update.n_mutable}. Received: {indices!r}. "
                f"Give numbers of its pool, {pool.tolist()}."
            )
        return indices.astype(np.int32)

    def get_config(self):
        return {
            "name": self.name,
            "model": keras.saving.serialize_keras_object(self.model),
            "plan": self.plan.to_json(),
            "schedule": vars(self.schedule),
            "pools": {name: pool.tolist() for name, pool in self.pools.items()},
            "exported_bundles": self.exported_bundles,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        sparse = cls(model, SparseUpdatePlan.from_json(config["plan"]), config["name"], config.get("pools"))
        sparse.schedule = ChannelSchedule(**config["schedule"])
        sparse.exported_bundles.update(config.get("exported_bundles", {}))
        return sparse

    def get_build_config(self):
        return None  # The constructor builds everything.


class _Machine:
    """What Keras must not track: the layer graph, the gradient path, the variables by layer."""

    def __init__(self, prepared: keras.Model, plan: SparseUpdatePlan):
        graph = flatten(prepared)
        for update in plan.layers:
            _check_belongs(graph.find(update.name), update)
        names = {update.name for update in plan.layers}
        self.method = methods.get(plan.method)
        self.path = trace(graph, names)
        check(self.path, names)
        self.updates = {graph.find(update.name): update for update in plan.layers}
        self.variables: dict[str, UpdateVariables] = {}
        self.writer: StepWriter | None = None
        self.exported_bundles: dict[str, dict] = {}


def _check_belongs(call, update) -> None:
    kernel_shape = tuple(getattr(getattr(call, "layer", None), "kernel", np.zeros(0)).shape)
    if kernel_shape != update.kernel_shape:
        raise ValueError(
            "A plan must be made for the model it is used with. "
            f"Received: layer {update.name!r} with kernel {update.kernel_shape} in the plan, {kernel_shape} in the model. "
            "Make the plan with tfdgsu.plan(model, ...)."
        )


def _check_pools(plan: SparseUpdatePlan, pools: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    checked = {}
    for name, pool in pools.items():
        update, numbers = plan.layer(name), np.asarray(pool)
        is_valid = (
            update.has_pool
            and numbers.shape == (update.n_mutable,)
            and np.issubdtype(numbers.dtype, np.integer)
            and (np.diff(numbers) > 0).all()
            and 0 <= numbers[0]
            and numbers[-1] < update.n_channels
        )
        if not is_valid:
            raise ValueError(
                f"The pool of layer {name!r} must be {update.n_mutable if update.has_pool else 'no'} ascending channel "
                f"numbers in [0, {update.n_channels}). Received: {numbers!r}. Leave it out for the default."
            )
        checked[name] = numbers.astype(np.int32)
    return checked
