# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The notebooks in colab/: read, and run with a real Jupyter kernel."""

import json
import pathlib

import nbclient
import nbformat

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "colab").glob("*.ipynb"))


def read(path: pathlib.Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def run(path: pathlib.Path, folder: pathlib.Path, *names: str) -> tuple[nbformat.NotebookNode, dict]:
    """Runs a notebook from top to bottom in a folder.

    Returns:
        The notebook with its outputs, and what its variables of these names hold at the end.
    """
    notebook = read(path)
    values = ", ".join(f"{name!r}: {name}" for name in names)
    last = nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({{{values}}}, default=float))")
    notebook.cells.append(last)
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    notebook.cells.pop()
    return notebook, json.loads(text_of(last))


def text_of(cell: nbformat.NotebookNode) -> str:
    """What a cell printed."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def n_images(cell: nbformat.NotebookNode) -> int:
    """How many plots a cell shows."""
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


def cell_of(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    (cell,) = (cell for cell in notebook.cells if cell.id == name)
    return cell
