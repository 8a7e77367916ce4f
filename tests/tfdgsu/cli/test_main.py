# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Help, usage errors and exit codes of the program."""

import subprocess
import sys

import pytest
from absl import flags

from tfdgsu.cli.commands import COMMANDS
from tfdgsu.cli.main import EXIT_OK, EXIT_REFUSED, EXIT_USAGE, run


def test_program_help_lists_every_command(capsys):
    assert run(["--help"]) == EXIT_OK
    text = capsys.readouterr().out
    for command in COMMANDS.values():
        assert f"  {command.name}" in text
        assert command.summary in text


@pytest.mark.parametrize("name", COMMANDS)
def test_command_help_teaches_and_lists_its_own_flags_only(name, capsys):
    assert run([name, "--help"]) == EXIT_OK
    text = capsys.readouterr().out
    values = flags.FlagValues()
    COMMANDS[name].define_flags(values)
    listed = {
        line.split()[0].removeprefix("--").removeprefix("[no]") for line in text.splitlines() if line[:4] == "  --"
    }
    assert listed == set(values)
    assert f"tfdgsu {name}" in COMMANDS[name].examples[0]
    assert COMMANDS[name].examples[0] in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_have_flags_that_exist(name):
    for example in COMMANDS[name].examples:
        values = flags.FlagValues()
        COMMANDS[name].define_flags(values)
        values.set_gnu_getopt(True)
        arguments = values(example.split()[1:])[1:]
        assert len(arguments) == len(COMMANDS[name].arguments)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["train"],
        ["plan"],
        ["plan", "a.keras", "b.keras"],
        ["plan", "a.keras", "--no_such_flag"],
        ["plan", "a.keras", "--update_fraction", "much"],
        ["plan", "a.keras", "--layers", "conv"],
        ["export", "a.keras", "--inference", "--plan", "plan.json"],
        ["export", "a.keras", "--loss", "hinge"],
        ["run", "a.tflite"],
        ["run", "a.tflite", "--data", "data.npz", "--steps", "-1"],
    ],
)
def test_wrong_usage_exits_with_2(words, capsys):
    assert run(words) == EXIT_USAGE
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert ("tfdgsu:" in captured.err) if words else ("Usage:" in captured.out)


@pytest.mark.parametrize(
    "words", [["plan", "absent.keras"], ["run", "absent.tflite", "--data", "absent.npz"], ["inspect", "absent.tflite"]]
)
def test_absent_files_exit_with_1(words, capsys):
    assert run(words) == EXIT_REFUSED
    captured = capsys.readouterr()
    assert captured.err.startswith("tfdgsu: ")
    assert "absent" in captured.err


def test_defects_keep_their_traceback(monkeypatch):
    def fail(arguments, values):
        raise TypeError("execute() got an unexpected keyword argument")

    monkeypatch.setattr(COMMANDS["plan"], "execute", fail)
    with pytest.raises(TypeError, match="unexpected"):
        run(["plan", "a.keras"])


def test_a_reader_that_stops_early_is_no_error(bundle_path):
    program = [sys.executable, "-m", "tfdgsu.cli.main", "inspect", bundle_path]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        stderr = process.stderr.read()
    assert "Traceback" not in stderr
    assert "Broken pipe" not in stderr


def test_help_read_by_a_reader_that_stops_early_is_no_error():
    program = f'{sys.executable} -c \'from tfdgsu.cli.main import run; run(["plan", "--help"])\''
    done = subprocess.run(["sh", "-c", f"{program} | true"], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
