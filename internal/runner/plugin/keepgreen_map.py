"""Records which definitions and files each test touches, for "keepgreen plan".

Loaded into pytest with "-p keepgreen_map". It writes JSON lines into the folder
that $KEEPGREEN_MAP names, one file a process, and changes nothing that a test
can see but its own environment variables. From Python 3.12 on it listens to
sys.monitoring, where a code object tells only its first call in each test;
below, to calls by sys.setprofile, which coverage.py leaves alone.

What runs is known by file and qualified name. Functions that run while a module
is loaded belong to that module, and to those that are being loaded around it;
what a fixture of a wider scope than a function runs belongs to every test that
uses it; what runs between tests belongs to all of them.
"""

import atexit
import gc
import json
import os
import platform
import sys
import threading
import types

VERSION = 1
ROOT = os.path.abspath(os.environ.get("KEEPGREEN_MAP_ROOT") or os.getcwd())
OUT = os.environ.get("KEEPGREEN_MAP", "")
OWNER = "KEEPGREEN_MAP_TEST"  # whom a child process works for
HERE = os.path.dirname(os.path.abspath(__file__))

_roots = tuple({ROOT + os.sep, os.path.realpath(ROOT) + os.sep})
_foreign = {".git", ".hg", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".keepgreen", ".pytest_cache"}
_prefix = tuple(p + os.sep for p in {sys.prefix, sys.base_prefix, HERE} if p)
_names = {}  # path as Python says it -> path from the root; None: not ours


def _ours(path):
    """The path from the root, with slashes; None for what is not the project's."""
    try:
        return _names[path]
    except KeyError:
        pass
    except TypeError:
        return None
    found = None
    if path.startswith("<"):  # "<string>", "<frozen os>"
        return None
    full = os.path.abspath(path)
    for root in _roots:
        if full.startswith(root):
            inside = full[len(root):]
            if not _foreign.intersection(inside.split(os.sep)) and not any(full.startswith(p) and p.startswith(root) for p in _prefix):
                found = inside.replace(os.sep, "/")
            break
    if os.path.isabs(path) and len(_names) < 200000:
        _names[path] = found
    return found


def _bare(name):
    """A qualified name without what is no definition: lambdas, comprehensions, annotations."""
    for mark in ("<lambda>", "<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<generic parameters", "__annotate__"):
        at = name.find(mark)
        if at == 0:
            return "<module>"
        if at > 0 and name[at - 1] == ".":
            name = name[:at]
            name = name[: -len(".<locals>.")] if name.endswith(".<locals>.") else name[:-1]
    return name


def _machinery(frame):
    """Whether Python's import system or pytest itself asks."""
    file = frame.f_code.co_filename
    return file.startswith("<frozen importlib") or os.sep + "_pytest" + os.sep in file


class Bag(object):
    """What ran and was read for one test, fixture or module."""

    __slots__ = ("codes", "reads", "lists", "uses", "why", "ran")

    def __init__(self, ran=False):
        self.codes, self.reads, self.lists, self.uses, self.why = set(), set(), set(), set(), None
        self.ran = ran  # a test or a fixture, rather than what is loaded for them


class Recorder(object):
    def __init__(self):
        self.known = {}  # id of a code object -> (file, name); compared by identity: equal code is not one function
        self.keep = []  # so that an id is never used again
        self.session = Bag()
        self.current = self.session
        self.tests, self.fixtures, self.loads, self.by = {}, {}, {}, {}
        self.collected = set()
        self.loading = False
        self.stream = None  # a child process writes at once: it may end without notice
        self.told = set()
        self.pid = os.getpid()
        self.on = False
        self.mode = "monitoring" if hasattr(sys, "monitoring") else "profile"
        self.tool = None

    # -- what runs ---------------------------------------------------------

    def start(self):
        self.on = True
        if self.mode == "monitoring":
            self.listen()
        else:
            self.profiler = self.called
        sys.addaudithook(self.audit) if hasattr(sys, "addaudithook") else None
        for thing in gc.get_objects():  # what was loaded before us
            if type(thing) is types.FunctionType and _ours(thing.__code__.co_filename):
                self.arm(thing.__code__, _ours(thing.__code__.co_filename), thing.__qualname__)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forked)
        if self.mode == "profile":
            self.install()

    def listen(self):
        monitoring = sys.monitoring
        for tool in (4, 3, 5):
            if monitoring.get_tool(tool) is None:
                break
        else:
            self.mode, self.profiler = "profile", self.called
            return
        monitoring.use_tool_id(tool, "keepgreen")
        self.tool, self.event = tool, monitoring.events.PY_START
        disable = monitoring.DISABLE

        def hit(code, _):
            if self.stream is not None:
                self.tell(id(code))
            else:
                self.seen(id(code), sys._getframe(1) if self.loading else None)
            return disable

        monitoring.register_callback(tool, self.event, hit)

    def install(self):
        sys.setprofile(self.profiler)
        threading.setprofile(self.profiler)

    def called(self, frame, event, _):
        if event != "call":
            return
        code = frame.f_code
        key = id(code)
        if key not in self.known:
            return
        if self.stream is not None:
            self.tell(key)
            return
        if key not in self.current.codes or self.loading:
            self.seen(key, frame if self.loading else None)

    def again(self):
        """Every code object tells its next call once more."""
        if self.tool is not None:
            sys.monitoring.restart_events()

    def arm(self, code, file, name="<module>"):
        todo = [(code, name)]
        while todo:
            code, name = todo.pop()
            if id(code) in self.known:
                continue
            name = getattr(code, "co_qualname", name)
            self.known[id(code)] = (file, _bare(name))
            self.keep.append(code)
            if self.tool is not None:
                sys.monitoring.set_local_events(self.tool, code, self.event)
            for inner in code.co_consts:
                if type(inner) is types.CodeType:
                    if name == "<module>":
                        todo.append((inner, inner.co_name))
                    elif code.co_flags & 1:  # a function: optimized
                        todo.append((inner, name + ".<locals>." + inner.co_name))
                    else:
                        todo.append((inner, name + "." + inner.co_name))

    def seen(self, key, frame):
        """Notes that code ran: for what runs now, and with a frame, for each of
        the modules that are being loaded."""
        if frame is not None:
            self.loading = self.loaded(key, frame)
        if not self.loading or self.current.ran:
            self.current.codes.add(key)

    def loaded(self, key, frame):
        found = False
        while frame is not None:
            code = frame.f_code
            if code.co_name == "<module>":
                file = _ours(code.co_filename)
                if file is not None:
                    found = True
                    self.load(file).codes.add(key)
            frame = frame.f_back
        return found

    def load(self, file):
        bag = self.loads.get(file)
        if bag is None:
            bag = self.loads[file] = Bag()
        return bag

    # -- what is asked of the system ----------------------------------------

    def audit(self, event, args):
        if not self.on:
            return
        handler = self.handlers.get(event)
        if handler is not None:
            try:
                handler(self, args)
            except Exception as problem:  # never the test's business
                self.current.why = "recording failed: %s" % problem

    def executed(self, args):
        code = args[0]
        if type(code) is not types.CodeType or code.co_name != "<module>":
            return
        file = _ours(code.co_filename)
        if file is None:
            return
        if not file.endswith((".py", ".pyw")):
            self.note("reads", file)  # a template, compiled under its own name
            return
        self.arm(code, file)
        if self.stream is not None:
            self.write({"x": file})
            return
        frame, by = sys._getframe(2), None
        while frame is not None:
            by = _ours(frame.f_code.co_filename)
            if by is not None:
                break
            frame = frame.f_back
        self.by.setdefault(file, set()).add(by or "*")
        self.load(file)
        self.loading = True
        self.again()

    def opened(self, args):
        path, mode, flags = args[0], args[1], args[2]
        if type(path) is bytes:
            path = os.fsdecode(path)
        if type(path) is not str or isinstance(flags, int) and flags & 3 == os.O_WRONLY:
            return
        if mode and mode[0] in "wxa" and "+" not in mode:
            return
        file = _ours(path)
        if file is None or file.endswith((".pyc", ".pyo")):
            return
        if file.endswith((".py", ".pyw")) and (not self.current.ran or not flags or _machinery(sys._getframe(2))):
            return  # Python itself reads source, and so does pytest's rewriting
        self.note("reads", file)

    def listed(self, args):
        path = args[0] if args else "."
        if type(path) is bytes:
            path = os.fsdecode(path)
        if path is None:
            path = "."
        if type(path) is not str or _machinery(sys._getframe(2)):
            return
        full = os.path.abspath(path)
        if full + os.sep in _roots:
            self.note("lists", ".")
        elif _ours(full) is not None:
            self.note("lists", _ours(full))

    def connected(self, args):
        path = args[0]
        if type(path) is str and path.startswith("file:"):
            path = path[len("file:"):].split("?")[0]
        if type(path) is str and _ours(path) is not None:
            self.note("reads", _ours(path))

    def note(self, what, file):
        if self.stream is not None:
            if (what, file) not in self.told:
                self.told.add((what, file))
                self.write({what[0]: file})
            return
        getattr(self.current, what).add(file)

    def spawned(self, args):
        program, words, env = args[0], args[1], args[-1]
        words = [words] if isinstance(words, (str, bytes)) else list(words or [])
        words = [os.fsdecode(w) if not isinstance(w, str) else w for w in words]
        for w in words[:64]:
            file = _ours(w) if w and "\0" not in w and os.path.exists(w) and os.path.isfile(w) else None
            if file is not None:
                self.note("reads", file)
        program = os.path.basename(os.fsdecode(program or (words[0] if words else "")))
        python = program.startswith(("python", "pypy")) or program == os.path.basename(sys.executable)
        if python and any(w.startswith("-") and not w.startswith("--") and set(w[1:3]) & set("IES") for w in words[1:4]):
            self.blind("starts a Python that does not look at its environment")
        if env is not None and "KEEPGREEN_MAP" not in env and b"KEEPGREEN_MAP" not in env:
            if python or program in ("sh", "bash", "dash", "zsh", "env", "make", "tox", "nox", "uv", "poetry", "pytest") or self.script(program):
                self.blind("starts a process with an environment of its own")

    def script(self, program):
        return os.path.exists(os.path.join(os.path.dirname(sys.executable), program))

    def blind(self, why):
        if self.stream is not None:
            self.write({"why": why})
        else:
            self.current.why = why

    handlers = {
        "exec": executed, "open": opened, "os.listdir": listed, "os.scandir": listed, "sqlite3.connect": connected,
        "subprocess.Popen": spawned, "os.posix_spawn": spawned, "os.exec": spawned,
    }

    # -- child processes ------------------------------------------------------

    def follow(self, owner):
        self.told = set()
        name = "child-%d-%s.jsonl" % (os.getpid(), os.urandom(4).hex())
        self.stream = os.open(os.path.join(OUT, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.write({"owner": owner})

    def forked(self):
        if self.on:
            self.pid = os.getpid()
            self.follow(os.environ.get(OWNER, "*"))
            self.again()

    def write(self, value):
        os.write(self.stream, (json.dumps(value) + "\n").encode("utf-8", "replace"))

    def tell(self, key):
        pair = self.known.get(key)
        if pair is not None and pair not in self.told:
            self.told.add(pair)
            self.write({"d": pair})

    # -- the end ----------------------------------------------------------------

    def finish(self):
        """Writes the map of this process, whole or not at all."""
        if not self.on or self.stream is not None or self.pid != os.getpid():
            return
        self.on = False
        defs, order = {}, []

        def number(codes):
            out = set()
            for key in codes:
                pair = self.known.get(key)
                if pair is None:
                    continue
                if pair not in defs:
                    defs[pair] = len(order)
                    order.append(pair)
                out.add(defs[pair])
            return sorted(out)

        def row(bag, **more):
            more.update(defs=number(bag.codes), reads=sorted(bag.reads), lists=sorted(bag.lists), uses=sorted(bag.uses))
            if bag.why:
                more["why"] = bag.why
            return more

        rows = [{"head": VERSION, "python": platform.python_version(), "implementation": sys.implementation.name, "platform": sys.platform, "mode": self.mode, "installed": installed()}]
        rows.extend(row(bag, test=name) for name, bag in sorted(self.tests.items()))
        rows.extend(row(bag, fixture=name) for name, bag in sorted(self.fixtures.items()))
        rows.extend(row(bag, load=name, by=sorted(self.by.get(name, ()))) for name, bag in sorted(self.loads.items()))
        rows.append(row(self.session, session=True))
        rows.append({"collected": sorted(self.collected)})
        rows.append({"defs": order})
        name = os.path.join(OUT, "map-%d-%s" % (os.getpid(), os.urandom(4).hex()))
        with open(name + ".part", "w", encoding="utf-8", errors="replace") as out:
            for r in rows:
                out.write(json.dumps(r, separators=(",", ":")) + "\n")
        os.rename(name + ".part", name + ".jsonl")


def installed():
    """A digest of what is installed: other packages, another map."""
    import hashlib

    try:
        from importlib.metadata import distributions
    except ImportError:
        return ""
    names = sorted({"%s==%s" % (d.metadata["Name"], d.version) for d in distributions()})
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


recorder = None


def child():
    """Records a Python that a test started; called by our sitecustomize."""
    global recorder
    recorder = Recorder()
    recorder.follow(os.environ.get(OWNER, "*"))
    recorder.start()


# -- pytest ---------------------------------------------------------------------

try:
    import pytest
except ImportError:
    pytest = None

if pytest is not None and OUT and OWNER not in os.environ:

    # At once, not in pytest_configure: conftest files are loaded before that.
    os.makedirs(OUT, exist_ok=True)
    recorder = Recorder()
    recorder.start()
    atexit.register(recorder.finish)  # should the session end without its hook

    def name_of(item):
        """The test as keepgreen calls it: its file from the root, without parameters."""
        path = getattr(item, "path", None) or getattr(item, "fspath", "")
        file = _ours(str(path)) or item.nodeid.split("::")[0]
        _, _, rest = item.nodeid.partition("::")
        at = rest.find("[")
        if at >= 0 and rest.endswith("]"):
            rest = rest[:at]
        return file + "::" + rest if rest else file

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(collector):
        path = getattr(collector, "path", None) or getattr(collector, "fspath", None)
        file = _ours(str(path)) if path else None
        if recorder is None or file is None or not file.endswith((".py", ".pyw")):
            yield
            return
        before, recorder.current = recorder.current, recorder.load(file)
        recorder.again()
        yield
        recorder.current = before

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_collection_modifyitems(items):
        if recorder is not None:
            recorder.collected.update(name_of(item) for item in items)
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(item):
        if recorder is None or not recorder.on:
            yield
            return
        name = name_of(item)
        bag = recorder.tests.setdefault(name, Bag(True))
        recorder.current, recorder.loading = bag, False
        os.environ[OWNER] = "t" + name
        recorder.again()
        yield
        os.environ.pop(OWNER, None)
        if recorder.mode == "profile" and sys.getprofile() != recorder.profiler:
            bag.why = "it replaces the profiler"
            recorder.install()
        recorder.current = recorder.session
        recorder.again()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_teardown(item):
        if recorder is not None and recorder.on:
            try:
                names = set(item._request.fixturenames)  # with those that were asked for by name
            except Exception:
                names = set(getattr(item, "fixturenames", ()))
            recorder.tests.setdefault(name_of(item), Bag(True)).uses.update(names & set(recorder.fixtures))
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(fixturedef):
        if recorder is None or not recorder.on or fixturedef.scope == "function":
            yield
            return
        name = fixturedef.argname
        outer, owner = recorder.current, os.environ.get(OWNER)
        outer.uses.add(name)
        recorder.current = recorder.fixtures.setdefault(name, Bag(True))
        os.environ[OWNER] = "f" + name
        recorder.again()
        yield
        recorder.current = outer
        if owner is None:
            os.environ.pop(OWNER, None)
        else:
            os.environ[OWNER] = owner
        recorder.again()

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(config):
        if recorder is not None:
            recorder.finish()
