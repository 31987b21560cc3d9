"""The command line answers 0 for yes, 1 for no and 2 for a question it cannot read."""

from __future__ import annotations

import json

import pytest

from tools.activation_logger import ActivationLogger
from tools.cache_tracer import CacheTracer
from tools.cli import main


@pytest.fixture
def events(tmp_path, clock):
    """Writes the events of one released region and returns the file."""

    def write(wiped: int):
        tracer = CacheTracer(clock=clock)
        region = tracer.allocate("acme", 100)
        tracer.free(region)
        tracer.sanitize(region, limit=wiped)
        path = tmp_path / "events.jsonl"
        path.write_text("\n".join(json.dumps(e.to_record()) for e in tracer.events) + "\n\n")
        return path

    return write


def test_a_wiped_region_is_a_yes(events, capsys):
    assert main(["check", str(events(100))]) == 0
    assert capsys.readouterr().out == "100.00 % of 1 released regions wiped\n"


def test_a_dirty_region_is_a_no(events, capsys):
    assert main(["check", str(events(99))]) == 1
    assert "FAIL unsanitized_regions_count: 1" in capsys.readouterr().out


def test_a_bad_line_is_named(tmp_path, capsys):
    path = tmp_path / "events.jsonl"
    path.write_text('{"kind": "free"}\n')
    assert main(["check", str(path)]) == 2
    assert "events.jsonl:1: event lacks at, region, size, tenant" in capsys.readouterr().err


def test_a_good_log_holds(tmp_path, capsys):
    path = tmp_path / "kv_cache.log"
    ActivationLogger(path).log("allocate", region=1)
    assert main(["verify", str(path)]) == 0
    assert capsys.readouterr().out == "kv_cache.log: the chain holds\n"
