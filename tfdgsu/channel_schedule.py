# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""When channels are re-drawn, and by which policy."""

import dataclasses

from .number_checks import is_whole

DEVICE_KINDS = ("static", "cyclic", "random", "input")


@dataclasses.dataclass(frozen=True)
class ChannelSchedule:
    """Channels are re-drawn at the start of every step s with s % every == 0, by draw number s // every.

    Attributes:
        policy: Name of the policy.
        every: Period in steps.
        seed: uint32 seed of the policy's random numbers.
        device_kind: What a device does: "static" (channels are a constant), "cyclic" or "random" (it computes the same
            sequence itself), "input" (the host hands it channel numbers).

    Raises:
        ValueError: A field is out of range.
    """

    policy: str = "static"
    every: int = 1
    seed: int = 0
    device_kind: str = "static"

    def __post_init__(self):
        if not is_whole(self.every) or self.every < 1:
            raise ValueError(
                f"every must be a whole number of steps, at least 1. Received: every={self.every!r}. "
                "Give the number of steps between two re-draws, such as 100."
            )
        if not is_whole(self.seed) or not 0 <= self.seed < 2**32:
            raise ValueError(
                f"seed must fit in 32 bits, a whole unsigned number. Received: seed={self.seed!r}. "
                "Choose one from 0 to 4294967295."
            )
        if self.device_kind not in DEVICE_KINDS:
            raise ValueError(
                f"device_kind must be one of {DEVICE_KINDS}. Received: device_kind={self.device_kind!r}. "
                "A policy of your own leaves it at 'input'."
            )
        # NumPy integers and 100.0 compare as they should, but neither goes into JSON or into an op's options.
        object.__setattr__(self, "every", int(self.every))
        object.__setattr__(self, "seed", int(self.seed))
