"""What tests of the book share: its tools, which they import from tools/, a browser, a server of pages."""

import functools
import http.server
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / os.environ.get("PAGES", "_build/html")
sys.path.insert(0, str(ROOT / "tools"))

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def need():
    """Return what skips a test where a tool is missing; in CI nothing is skipped."""

    def need(thing, reason):
        if not thing:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)

    return need


@pytest.fixture(scope="module")
def browser(need):
    """Start Chromium."""
    need(CHROMIUM, "Chromium is not installed")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serve files, and be quiet about it."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site(need):
    """Serve the built pages on this machine; return their address."""
    need(HTML.exists(), "there are no built pages: make book")
    need((HTML / "_static" / "vendor" / "mathjax").exists(), "the pages were built without npm's scripts")
    handler = functools.partial(Handler, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
