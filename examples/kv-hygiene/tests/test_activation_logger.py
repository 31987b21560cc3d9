"""The forensic log: the bytes that are hashed, the chain, the rotation."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from tools.activation_logger import (
    ActivationLogger,
    LogError,
    canonical,
    rotated_files,
    seal,
    verify,
)

KEY = b"a key for tests"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kv_cache.log"


@pytest.fixture
def logger(path, clock):
    return ActivationLogger(path, clock=clock)


def records(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-07, "1e-07"),
        (1.0, "1.0"),
        (1e16, "1e+16"),
        (0.1 + 0.2, "0.30000000000000004"),
        ("Zürich 🧊", '"Zürich 🧊"'),
        ([1, None, True], "[1,null,true]"),
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
    ],
)
def test_the_canonical_text_is_pythons_compact_json(value, text):
    assert canonical({"x": value, "curr_hash": "…", "hmac": "…"}) == '{"x":' + text + "}"


def test_what_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"x": float("nan")})


def test_the_hash_is_of_the_previous_hash_and_the_text():
    record = {"event_type": "free", "prev_hash": "GENESIS"}
    text = b'GENESIS{"event_type":"free","prev_hash":"GENESIS"}'
    assert seal(record)["curr_hash"] == hashlib.sha256(text).hexdigest()
    assert seal(record, KEY)["hmac"] == hmac.new(KEY, text, "sha256").hexdigest()


def test_the_first_record_follows_genesis(logger, path):
    logger.log("allocate", region=1)
    assert records(path)[0]["prev_hash"] == "GENESIS"


def test_each_record_follows_the_one_before(logger, path):
    for region in range(3):
        logger.log("allocate", region=region)
    first, second, third = records(path)
    assert [second["prev_hash"], third["prev_hash"]] == [first["curr_hash"], second["curr_hash"]]


def test_a_new_logger_goes_on_where_the_last_one_ended(logger, path, clock):
    logger.log("allocate", region=1)
    ActivationLogger(path, clock=clock).log("free", region=1)
    assert verify(path) == []


def test_a_torn_last_line_is_not_mended(logger, path, clock):
    logger.log("allocate", region=1)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(LogError, match="the last line is torn"):
        ActivationLogger(path, clock=clock)


def test_the_log_has_a_name_that_rotation_understands(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.log"):
        ActivationLogger(tmp_path / "kv_cache.jsonl")


@pytest.mark.parametrize("field", ["ts", "hmac", "prev_hash"])
def test_reserved_fields_are_refused(logger, field):
    with pytest.raises(ValueError, match=f"reserved field {field}"):
        logger.log("allocate", **{field: "x"})


def test_half_an_emoji_does_not_stop_the_log(logger, path):
    logger.log("allocate", prompt="cut \ud83e")
    assert records(path)[0]["prompt"] == "cut \ufffd"
    assert verify(path) == []


def test_escaped_lines_have_the_same_hash(tmp_path, clock):
    plain = ActivationLogger(tmp_path / "a.log", clock=clock).log("free", tenant="東京 🧊")
    path = tmp_path / "b.log"
    escaped = ActivationLogger(path, clock=clock, ascii_lines=True).log("free", tenant="東京 🧊")
    assert plain["curr_hash"] == escaped["curr_hash"]
    assert path.read_bytes().isascii()


def test_rotation_links_the_files(logger, path):
    last = logger.log("allocate", region=1)
    closed = logger.rotate()
    assert closed.name == "kv_cache-1000.log"
    first = records(path)[0]
    assert first["event_type"] == "rotate"
    assert (first["prev_file"], first["prev_file_last_hash"]) == (closed.name, last["curr_hash"])
    assert first["prev_hash"] == "GENESIS"


def test_two_rotations_in_one_second_keep_their_order(logger, path):
    logger.log("allocate", region=1)
    logger.rotate()
    logger.rotate()
    assert [file.name for file in rotated_files(path)] == ["kv_cache-1000.log", "kv_cache-1001.log"]
    assert verify(path) == []


def test_a_full_file_is_rotated(path, clock):
    logger = ActivationLogger(path, max_bytes=1000, clock=clock, secret=KEY)
    for region in range(12):
        logger.log("allocate", region=region, tenant="Zürich")
    assert len(rotated_files(path)) > 2
    assert all(file.stat().st_size <= 1000 for file in rotated_files(path))
    assert verify(path, KEY) == []


def test_a_changed_line_is_named(logger, path):
    for region in range(3):
        logger.log("allocate", region=region)
    path.write_text(path.read_text().replace('"region": 1', '"region": 7'))
    assert [str(problem) for problem in verify(path)] == [
        "kv_cache.log:2: was changed after it was written"
    ]


def test_a_deleted_line_is_named(logger, path):
    for region in range(3):
        logger.log("allocate", region=region)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    assert [problem.what for problem in verify(path)] == ["does not follow the line before"]


def test_another_key_is_noticed(path, clock):
    ActivationLogger(path, clock=clock, secret=KEY).log("allocate", region=1)
    assert [problem.what for problem in verify(path, b"other")] == ["was signed with another key"]


def test_a_rotated_file_that_is_gone_is_noticed(logger, path):
    logger.log("allocate", region=1)
    logger.rotate().unlink()
    assert [problem.what for problem in verify(path)] == ["names an earlier file that is gone"]


def test_the_key_comes_from_the_environment(path):
    logger = ActivationLogger.from_env(path, {"FORENSIC_HMAC_SECRET": "s3"})
    assert "hmac" in logger.log("allocate", region=1)
