"""The forensic log: JSON Lines, append-only, each record chained to the one before.

The canonical text of a record is its JSON without ``curr_hash`` and ``hmac``,
with sorted keys, no spaces, and non-ASCII kept. ``curr_hash`` is the SHA-256 of
``prev_hash`` followed by that text, ``hmac`` the HMAC-SHA-256 of the same bytes.
How the line itself is spaced, ordered or escaped does not matter to the chain.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GENESIS = "GENESIS"
SECRET_ENV = "FORENSIC_HMAC_SECRET"
RESERVED = frozenset({"schema", "event_type", "ts", "prev_hash", "curr_hash", "hmac"})
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class LogError(Exception):
    """The log on disk cannot be continued."""


def canonical(record: Mapping[str, Any]) -> str:
    """The text that is hashed. NaN and infinities have no JSON: ValueError."""
    body = {key: value for key, value in record.items() if key not in ("curr_hash", "hmac")}
    return json.dumps(
        body, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def seal(record: Mapping[str, Any], secret: bytes | None = None) -> dict[str, Any]:
    """The record with its ``curr_hash`` and, where there is a key, its ``hmac``."""
    sealed = dict(record)
    text = (str(record["prev_hash"]) + canonical(record)).encode("utf-8")
    sealed["curr_hash"] = hashlib.sha256(text).hexdigest()
    if secret:
        sealed["hmac"] = hmac.new(secret, text, hashlib.sha256).hexdigest()
    return sealed


def scrub_text(value: Any) -> Any:
    """Replace what UTF-8 cannot hold, so that no prompt can stop the log."""
    if isinstance(value, str):
        return LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {scrub_text(key): scrub_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_text(item) for item in value]
    return value


def rotated_files(path: Path) -> list[Path]:
    """``NAME-<unix seconds>.log`` of ``NAME.log``, oldest first."""
    stamped = re.compile(re.escape(path.stem) + r"-\d+" + re.escape(path.suffix))
    return sorted(file for file in path.parent.glob("*.log") if stamped.fullmatch(file.name))


class ActivationLogger:
    """Appends records to ``NAME.log`` and rotates it at ``max_bytes``."""

    def __init__(
        self,
        path: str | Path,
        secret: bytes | None = None,
        max_bytes: int = 1 << 20,
        clock: Callable[[], float] = time.time,
        ascii_lines: bool = False,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix != ".log":
            raise ValueError(f"{self.path.name}: the log's name must end in .log")
        self._secret = secret
        self._max_bytes = max_bytes
        self._clock = clock
        self._ascii_lines = ascii_lines  # for shippers that mangle UTF-8
        self._lock = threading.Lock()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._last_hash, self._size = self._resume()

    @classmethod
    def from_env(cls, path: str | Path, env: Mapping[str, str] | None = None) -> ActivationLogger:
        """A logger whose key comes from ``FORENSIC_HMAC_SECRET``; empty is unset."""
        secret = (os.environ if env is None else env).get(SECRET_ENV)
        if secret == None or not secret.strip():
            return cls(path)
        return cls(path, secret=secret.encode("utf-8"))

    def log(self, event_type: str, /, **fields: Any) -> dict[str, Any]:
        """Append one record and return it as written."""
        taken = sorted(RESERVED & fields.keys())
        if taken:
            raise ValueError(f"reserved field {', '.join(taken)}")
        if event_type == "rotate":
            raise ValueError("rotate records are written by the rotation alone")
        with self._lock:
            now = self._clock()
            body = {"schema": 1, "event_type": event_type, "ts": now, **fields}
            record, line = self._encode(body)
            if self._size and self._size + len(line) > self._max_bytes:
                self._rotate(now)
                record, line = self._encode(body)
            self._append(record, line)
            return record

    def rotate(self) -> Path:
        """Close the current file under its dated name and begin the next."""
        with self._lock:
            if not self._size:
                raise LogError(f"{self.path.name}: nothing to rotate")
            return self._rotate(self._clock())

    def _rotate(self, now: float) -> Path:
        stamp = int(now)
        existing = rotated_files(self.path)
        if existing:
            # Two rotations in one second, or a clock set back, must not break the name order.
            stamp = max(stamp, int(existing[-1].stem.rpartition("-")[2]) + 1)
        closed = self.path.with_name(f"{self.path.stem}-{stamp}{self.path.suffix}")
        self.path.rename(closed)
        link = {"prev_file": closed.name, "prev_file_last_hash": self._last_hash}
        self._last_hash, self._size = GENESIS, 0
        self._append(*self._encode({"schema": 1, "event_type": "rotate", "ts": now, **link}))
        return closed

    def _encode(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        record = seal({**scrub_text(body), "prev_hash": self._last_hash}, self._secret)
        line = json.dumps(record, ensure_ascii=self._ascii_lines)
        return record, line.encode("utf-8") + b"\n"

    def _append(self, record: Mapping[str, Any], line: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(line)
        self._last_hash = str(record["curr_hash"])
        self._size += len(line)

    def _resume(self) -> tuple[str, int]:
        """Hash and size to go on from. A torn last line is evidence: it is not mended."""
        if not self.path.exists() or not self.path.stat().st_size:
            return GENESIS, 0
        data = self.path.read_bytes()
        if not data.endswith(b"\n"):
            raise LogError(f"{self.path.name}: the last line is torn")
        last = data[:-1].rpartition(b"\n")[2]
        try:
            return str(json.loads(last)["curr_hash"]), len(data)
        except (ValueError, KeyError, TypeError) as error:
            raise LogError(f"{self.path.name}: the last line is not a record") from error


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that does not hold; ``line`` 0 speaks of the file as a whole."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


def verify(path: str | Path, secret: bytes | None = None) -> list[Problem]:
    """Check the log and its rotated files in name order; no problems: it holds."""
    current = Path(path)
    files = [*rotated_files(current), current]
    found: list[Problem] = []
    before: tuple[str, str] | None = None
    for file in files:
        if not file.exists():
            found.append(Problem(file.name, 0, "is missing"))
            continue
        last = GENESIS
        for number, record, what in _checked(file, secret):
            if what:
                found.append(Problem(file.name, number, what))
                break
            if number == 1 and (wrong := _link(record, before)):
                found.append(Problem(file.name, 1, wrong))
            last = str(record["curr_hash"])
        before = (file.name, last)
    return found


def _checked(file: Path, secret: bytes | None) -> Iterator[tuple[int, dict[str, Any], str]]:
    previous = GENESIS
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            record = json.loads(line)
            expected = seal(record, secret)
        except (ValueError, KeyError, TypeError, AttributeError):
            yield number, {}, "is not a record"
            return
        what = ""
        if record["prev_hash"] != previous:
            what = "does not follow the line before"
        elif record.get("curr_hash") != expected["curr_hash"]:
            what = "was changed after it was written"
        elif secret and "hmac" in record and record["hmac"] != expected["hmac"]:
            what = "was signed with another key"
        yield number, record, what
        previous = str(record.get("curr_hash"))


def _link(record: Mapping[str, Any], before: tuple[str, str] | None) -> str:
    if before is None:
        return "names an earlier file that is gone" if record["event_type"] == "rotate" else ""
    if record["event_type"] != "rotate":
        return f"does not continue {before[0]}"
    if record.get("prev_file") != before[0]:
        return f"continues {record.get('prev_file')}, not {before[0]}"
    if record.get("prev_file_last_hash") != before[1]:
        return f"disagrees with the end of {before[0]}"
    return ""
