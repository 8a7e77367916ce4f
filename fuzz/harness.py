# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the fuzz targets and runs them.

fuzz/run [--seconds N] [--out FOLDER] [TARGET ...]
fuzz/run --merge FOLDER TARGET      # keep what of FOLDER's inputs reaches more, in fuzz/corpus

With clang: libFuzzer under ASan and UBSan, from the seeds (fuzz/seeds.py) and fuzz/corpus on; inputs that stop a target
are left in FOLDER, and the exit status is 1.
"""

import argparse
import concurrent.futures
import hashlib
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FUZZ = ROOT / "fuzz"
TARGETS = {
    "bundle_header": ("trainer/bundle_header.c", "trainer/status.c", "checkpoint/*.c"),
    "checkpoint": ("checkpoint/*.c",),
    "ops": ("tflm/*.c", "kernels/**/*.c"),
}
_STORED_BYTES = 25_000  # of a target, at most
_CHECKS = "address,undefined,float-cast-overflow"
_FLAGS = ("-std=c99", "-g", "-O1", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-ffp-contract=off")
_OPTIONS = ("-timeout=10", "-rss_limit_mb=0", "-malloc_limit_mb=256", "-max_len=8192", "-print_final_stats=1")


def build(target: str, folder: pathlib.Path, compiler: str = "clang", runtime: pathlib.Path | None = None):
    """Builds a target with libFuzzer (clang), or as a program that replays files (gcc); returns the program's path.

    Args:
        target: Key of `TARGETS`.
        folder: Where the program goes.
        compiler: "clang" or "gcc".
        runtime: Another copy of micro_runtime/.
    """
    runtime = runtime or ROOT / "micro_runtime"
    folder.mkdir(parents=True, exist_ok=True)
    options = [sys.executable, str(ROOT / "micro_runtime" / "generate_options.py"), str(folder)]
    subprocess.run(options, check=True, stdout=subprocess.DEVNULL)
    sources = sorted(str(path) for pattern in TARGETS[target] for path in runtime.glob(pattern))
    main = [] if compiler == "clang" else [str(FUZZ / "replay_main.c")]
    checks = f"-fsanitize={'fuzzer,' if compiler == 'clang' else ''}{_CHECKS}"
    folders = [f"-I{path}" for path in (runtime / "include", runtime / "host/include", runtime / "tflm", folder, FUZZ)]
    program = folder / f"{target}_{compiler}"
    inputs = [str(FUZZ / f"{target}.c"), *main, *sources]
    objects = [str(folder / f"{program.name}_{i}.o") for i in range(len(inputs))]

    def compile_one(source: str, to: str) -> None:
        subprocess.run([compiler, *_FLAGS, checks, *folders, "-c", source, "-o", to], check=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, inputs, objects))
    subprocess.run([compiler, checks, *objects, "-lm", "-o", str(program)], check=True)
    return program


def write_corpus(target: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes seeds and stored inputs of a target, a file each; returns the paths."""
    from fuzz import seeds

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for data in [*seeds.SEEDS[target](), *stored_inputs(target)]:
        paths.append(folder / hashlib.sha256(data).hexdigest()[:16])
        paths[-1].write_bytes(data)
    return paths


def stored_inputs(target: str) -> list[bytes]:
    """What earlier runs found: a line of hexadecimal digits each."""
    path = FUZZ / "corpus" / f"{target}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [bytes.fromhex(line) for line in lines if line and not line.startswith("#")]


def fuzz(program: pathlib.Path, corpus: pathlib.Path, crashes: pathlib.Path, *options: str):
    """Runs libFuzzer; returns the finished process, whose status tells whether an input stopped the target."""
    crashes.mkdir(parents=True, exist_ok=True)
    command = [str(program), *_OPTIONS, f"-artifact_prefix={crashes}/", *options, str(corpus)]
    # Not libFuzzer's -rss_limit_mb: it goes by the peak that getrusage tells, which on Linux begins at that of the process
    # that started this one.
    environment = {**os.environ, "ASAN_OPTIONS": "hard_rss_limit_mb=1024"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def replay(program: pathlib.Path, paths: list[pathlib.Path]):
    """Runs a program of gcc on files."""
    command = [str(program), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def merge(target: str, program: pathlib.Path, found: pathlib.Path, folder: pathlib.Path) -> None:
    """Stores what of `found` and the stored inputs reaches more than the seeds do, small inputs first."""
    from fuzz import seeds

    own, more = folder / "own", folder / "more"
    for path, inputs in ((own, seeds.SEEDS[target]()), (more, stored_inputs(target))):
        path.mkdir(parents=True)
        for i, data in enumerate(inputs):
            (path / f"seed_{i}").write_bytes(data)
    command = [str(program), "-merge=1", "-max_len=8192", str(own), str(more), str(found)]
    subprocess.run(command, check=True, capture_output=True)
    found = sorted((path.read_bytes() for path in own.iterdir() if not path.name.startswith("seed_")), key=len)
    totals = itertools.accumulate(map(len, found))
    kept = [data for data, total in zip(found, totals) if total <= _STORED_BYTES]
    head = "# SPDX-FileCopyrightText: 2026 The tfdgsu Authors\n# SPDX-License-Identifier: Apache-2.0\n"
    text = head + "# Inputs that reach what the seeds don't; written by fuzz/run --merge.\n"
    corpus = FUZZ / "corpus" / f"{target}.txt"
    corpus.parent.mkdir(exist_ok=True)
    corpus.write_text(text + "".join(f"{data.hex()}\n" for data in kept))
    print(f"{target}: {len(kept)} inputs, {sum(map(len, kept))} bytes")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("fuzz_out"), help="default: %(default)s")
    parser.add_argument("--merge", type=pathlib.Path, help="folder of inputs")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; default: all")
    settings = parser.parse_args(arguments)
    unknown = set(settings.targets) - set(TARGETS)
    if unknown:
        parser.error(f"targets must be of {', '.join(TARGETS)}. Received: {', '.join(sorted(unknown))}.")
    if not shutil.which("clang"):
        parser.error("clang must be there. Remedy: install the packages that .ci/install_device_tools names.")
    failed = []
    for target in settings.targets or TARGETS:
        with tempfile.TemporaryDirectory() as temporary:
            program = build(target, pathlib.Path(temporary) / "build")
            if settings.merge:
                merge(target, program, settings.merge, pathlib.Path(temporary))
                continue
            corpus = settings.out / target / "corpus"
            write_corpus(target, corpus)
            done = fuzz(program, corpus, settings.out / target / "crashes", f"-max_total_time={settings.seconds}")
        report = [line for line in done.stderr.splitlines() if line.startswith(("stat::", "#")) or "cov:" in line]
        print(f"{target}: {'ok' if done.returncode == 0 else 'FAILED'}", *report[-6:], sep="\n  ")
        if done.returncode:
            failed.append(target)
            print(done.stderr[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
