"""A Hub with the study's runs on it: does the study where it was not done yet, starts a Hub, sends the runs, and serves."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

import dotscience as ds

HERE = Path(__file__).resolve().parent
DATA = HERE / ".hub"
PORT = os.environ.get("DOTSCIENCE_HUB_PORT", "8000")
URL = f"http://127.0.0.1:{PORT}"
USER, PROJECT = "me", "tumours"


def key() -> str:
    """The API key of the Hub's first user, made once and kept where only its owner can read it."""
    kept = DATA / "key"
    if not kept.exists():
        DATA.mkdir(mode=0o700, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text("ds_" + secrets.token_urlsafe(32))
    return kept.read_text()


def require_port() -> None:
    """Leave where something else answers on the port: it may be another Hub, and the key is not for that one."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", int(PORT)))
        except OSError:
            sys.exit(f"Something else is on port {PORT}. Try DOTSCIENCE_HUB_PORT=8001 make hub.")


def wait_for(hub: subprocess.Popen[bytes]) -> None:
    """Wait until the Hub takes requests."""
    while hub.poll() is None:
        try:
            with urllib.request.urlopen(f"{URL}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit("The Hub did not start.")


def publish(environ: dict[str, str]) -> None:
    """Send the study's runs; those that are there already are not sent again."""
    runs = [row.id for row in ds.runs(workspace=HERE) if row.published is not None]
    command = [sys.executable, "-m", "dotscience", "sync", "--to", PROJECT, *runs]
    subprocess.run(command, cwd=HERE, env=environ, check=True)


def main() -> None:
    """Serve until Ctrl-C."""
    require_port()
    if not ds.runs(workspace=HERE):
        subprocess.run([sys.executable, HERE / "study.py"], check=True)
    environ = {
        **os.environ,
        "DOTSCIENCE_HUB_USER": USER,
        "DOTSCIENCE_HUB_APIKEY": key(),
        "DOTSCIENCE_HUB_LOG": "problems",
        "DOTSCIENCE_USERNAME": USER,
        "DOTSCIENCE_APIKEY": key(),
        "DOTSCIENCE_URL": URL,
    }
    command = [sys.executable, "-m", "dotscience", "hub", "--port", PORT, "--data", str(DATA)]
    with subprocess.Popen(command, env=environ) as hub:
        try:
            wait_for(hub)
            publish(environ)
            print(f"\nSign in at {URL} as {USER} with the key {key()}\nCtrl-C stops the Hub.", flush=True)
            if "--open" in sys.argv[1:]:
                webbrowser.open(URL)
            hub.wait()
        except KeyboardInterrupt:
            print()
        finally:
            hub.terminate()


if __name__ == "__main__":
    main()
