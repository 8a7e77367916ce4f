# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Builds C programs for emulated Cortex-M boards and runs them in QEMU, with all RAM held to 256 KB."""

import dataclasses
import pathlib
import shutil
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent / "boards"
COMPILER = "arm-none-eabi-gcc"
QEMU = "qemu-system-arm"
# The nanoseconds that an instruction takes with -icount are a power of two; with 32 a timer tick is about one.
_ICOUNT_SHIFT = 5


@dataclasses.dataclass(frozen=True)
class Board:
    """A machine that QEMU emulates.

    Attributes:
        core: Name in tables.
        machine: QEMU's name of it.
        flags: What the compiler must know of the core.
        counter: Which of `boards/counter_*.c` it has.
        tick_ns: Of that counter.
        script: Its linker script.
    """

    core: str
    machine: str
    flags: tuple[str, ...]
    counter: str
    tick_ns: float
    script: str

    def build(self, program: pathlib.Path, sources, flags) -> None:
        """Compiles and links sources with the board's own.

        Args:
            program: Where to write the ELF file.
            sources: C files.
            flags: Of the compiler: optimization, includes, warnings.

        Raises:
            RuntimeError: With the compiler's message.
        """
        own = [FOLDER / "startup.c", FOLDER / "semihosting.c", FOLDER / f"counter_{self.counter}.c"]
        # Only start-up code may be linked that is ours: newlib's expects an operating system.
        link = ["-nostartfiles", "-Wl,--gc-sections", f"-L{FOLDER}", "-T", FOLDER / self.script, "-lm"]
        sections = ["-ffunction-sections", "-fdata-sections", f"-I{FOLDER}"]
        run_quietly([COMPILER, *self.flags, *sections, *flags, *own, *sources, *link, "-o", program])

    def run(self, program: pathlib.Path, arguments=(), *, folder=None, timeout_seconds: float = 60) -> str:
        """Runs a program; what it printed.

        Args:
            arguments: Words without spaces or commas. Names of files count from `folder`.
            timeout_seconds: After which QEMU is stopped: a core that hangs would run for ever.

        Raises:
            RuntimeError: When the program returns anything but 0.
            subprocess.TimeoutExpired: When it takes too long.
        """
        words = ",".join(f"arg={word}" for word in (program.stem, *arguments))
        command = [QEMU, "-M", self.machine, "-display", "none", "-monitor", "none", "-serial", "none"]
        command += ["-icount", f"shift={_ICOUNT_SHIFT}", "-semihosting-config", f"enable=on,target=native,{words}"]
        # Standard input closed: semihosting would wait for it, and QEMU would change the terminal.
        done = subprocess.run(
            [*command, "-kernel", str(program)],
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout_seconds,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(
                f"{program.name} must end with 0 on {self.machine}. Received: {done.returncode}\n{done.stderr}\n"
                "Remedy: mend what the program printed above."
            )
        return done.stdout

    def instructions(self, ticks: int) -> float:
        """How many instructions moved the counter by so much."""
        return ticks * self.tick_ns / (1 << _ICOUNT_SHIFT)


BOARDS = {
    board.core: board
    for board in (
        Board(
            "M4F",
            "mps2-an386",
            ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
            "cmsdk",
            40,
            "mps2.ld",
        ),
        Board(
            "M7",
            "mps2-an500",
            ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16"),
            "cmsdk",
            40,
            "mps2.ld",
        ),
        Board(
            "M55", "mps3-an547", ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"), "systick", 31.25, "mps3_an547.ld"
        ),
    )
}


def run_quietly(command) -> None:
    """Runs a compiler that must succeed and say nothing.

    Raises:
        RuntimeError: With what it said.
    """
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise RuntimeError(
            f"{command[0]} must compile without a warning. Received: \n{done.stderr[-3000:]}\n"
            "Remedy: mend what it names above."
        )


def missing_tools(*tools: str) -> str:
    """Why boards can't be emulated here; empty if they can."""
    missing = [tool for tool in tools or (COMPILER, QEMU) if not shutil.which(tool)]
    return f"needs {', '.join(missing)} (Debian: .ci/install_device_tools)" if missing else ""
