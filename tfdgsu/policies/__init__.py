# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which channels are updated next: built-in policies by name, and the class to subclass."""

from .cyclic import CyclicPolicy
from .fisher import FisherPolicy
from .gradient import GradientPolicy
from .importance import ImportancePolicy
from .policy import Draw, Policy
from .random import RandomPolicy
from .static import StaticPolicy
from .static_l1 import StaticL1Policy

BUILT_IN: dict[str, type[Policy]] = {
    policy.name: policy
    for policy in (
        StaticPolicy,
        StaticL1Policy,
        CyclicPolicy,
        RandomPolicy,
        ImportancePolicy,
        GradientPolicy,
        FisherPolicy,
    )
}


def get(policy: str | Policy) -> Policy:
    """Returns the built-in policy of a name; a `Policy` is returned as it is.

    Raises:
        ValueError: There is no policy of that name.
    """
    if isinstance(policy, Policy):
        return policy
    if policy not in BUILT_IN:
        raise ValueError(
            f"policy must be one of {sorted(BUILT_IN)} or a Policy instance. Received: policy={policy!r}. "
            "Subclass tfdgsu.policies.Policy for one of your own."
        )
    return BUILT_IN[policy]()


__all__ = [
    "BUILT_IN",
    "CyclicPolicy",
    "Draw",
    "FisherPolicy",
    "GradientPolicy",
    "ImportancePolicy",
    "Policy",
    "RandomPolicy",
    "StaticL1Policy",
    "StaticPolicy",
    "get",
]
