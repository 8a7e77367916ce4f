# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Opens pages in Debian's Chromium without a window, over the pipe of its DevTools protocol."""

import base64
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time
from typing import NamedTuple

import pytest

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH (Debian: package chromium)")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_ANSWER_TIMEOUT_S = 60
# Chromium speaks on descriptors 3 (to it) and 4 (from it); the shell puts ours there.
_START = 'exec "$@" 3<&"$TO_BROWSER" 4>&"$FROM_BROWSER"'


class Page(NamedTuple):
    """What a page did while it opened: its console's complaints, and what it asked for beside itself."""

    complaints: list[str]
    requests: list[str]


class Browser:
    """One Chromium with one tab."""

    def __init__(self, profile: pathlib.Path):
        to_browser, self._writer = os.pipe()
        self._reader, from_browser = os.pipe()
        self._process = subprocess.Popen(
            ["bash", "-c", _START, "bash", CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            env={**os.environ, "TO_BROWSER": str(to_browser), "FROM_BROWSER": str(from_browser)},
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._received, self._events, self._n_sent, self._session = b"", [], 0, None
        tabs = self.send("Target.getTargets")["targetInfos"]
        tab = next(target["targetId"] for target in tabs if target["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def open(self, path: pathlib.Path, width: int, height: int = 844, scheme: str = "light") -> Page:
        """Opens a file at a screen's size in CSS pixels and colour scheme."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._events.clear()
        self.send("Page.navigate", url=path.as_uri())
        self._wait_for("Page.loadEventFired")
        self.evaluate("document.fonts.ready.then(() => true)")
        return Page(self.complaints(), self._requests(path))

    def evaluate(self, expression: str):
        """The value of a JavaScript expression in the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"The page must evaluate {expression}. Received: {result['exceptionDetails']}.")
        return result["result"].get("value")

    def screenshot(self, path: pathlib.Path, whole_page: bool = False) -> None:
        """Writes what is visible, or the whole page, as PNG."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole_page)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """Ends the browser's processes, which are a group of their own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._writer)
        os.close(self._reader)

    def send(self, method: str, **parameters):
        """Calls a method of the DevTools protocol and returns its result."""
        self._n_sent += 1
        message = {"id": self._n_sent, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._n_sent:
                if "error" in answer:
                    raise RuntimeError(f"Chromium must know {method}. Received: {answer['error']}.")
                return answer["result"]

    def _wait_for(self, event: str) -> None:
        while not any(e["method"] == event for e in self._events):
            self._receive()

    def _receive(self) -> dict:
        end = time.monotonic() + _ANSWER_TIMEOUT_S
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._reader], [], [], max(0, end - time.monotonic()))
            data = os.read(self._reader, 1 << 16) if ready else b""
            if not data:
                raise RuntimeError(
                    "Chromium must answer. Received: " + ("the end" if ready else "nothing in time") + "."
                )
            self._received += data
        raw, _, self._received = self._received.partition(b"\0")
        message = json.loads(raw)
        if "method" in message:
            self._events.append(message)
        return message

    def complaints(self) -> list[str]:
        """What the console has said since the page was opened."""
        complaints = []
        for event in self._events:
            parameters = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                complaints.append(parameters["exceptionDetails"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled":
                complaints.append(str([argument.get("value") for argument in parameters["args"]]))
            elif event["method"] == "Log.entryAdded":
                complaints.append(parameters["entry"]["text"])
        return complaints

    def _requests(self, path: pathlib.Path) -> list[str]:
        sent = [e["params"]["request"]["url"] for e in self._events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if url != path.as_uri() and not url.startswith("data:")]


@contextlib.contextmanager
def start_browser():
    """A browser with a profile of its own, which goes when it goes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(pathlib.Path(profile))
        try:
            yield browser
        finally:
            browser.close()
