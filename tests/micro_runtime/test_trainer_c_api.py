# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The C API has a function for every member of the C++ trainer, and the other way round."""

import pathlib
import re

HEADERS = pathlib.Path(__file__).resolve().parents[2] / "micro_runtime" / "include" / "tfdgsu" / "trainer"
# C has no overloads, so that members of one name need two.
NAMES = {"NVariables": {"VariableCount"}, "GetVariable": {"Variable", "VariableByName"}}


def public_members():
    text = (HEADERS / "trainer.h").read_text()
    public = text[text.index(" public:") : text.index(" private:")]
    found = re.findall(r"^  [\w:&*<> ]*?[ *&](\w+)\(", re.sub(r"//.*", "", public), re.MULTILINE)
    return set(found) - {"Trainer", "operator"}


def camel(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def test_every_member_has_its_function():
    members = public_members() | set(
        re.findall(r"^TfdgsuCheckpointStatus (\w+)\(Trainer\*", _checkpoint(), re.MULTILINE)
    )
    assert {"TrainStep", "Infer", "loss", "Reset", "SaveCheckpoint", "RestoreCheckpoint", "missing_op"} <= members
    expected = {name for member in members for name in NAMES.get(camel(member), {camel(member)})}
    functions = set(re.findall(r"\bTfdgsuTrainer(\w+)\((?:const )?TfdgsuTrainer\*", (HEADERS / "c_api.h").read_text()))
    assert functions == expected | {"Destroy"}


def _checkpoint():
    return (HEADERS / "checkpoint.h").read_text().partition("}  // namespace internal")[2]
