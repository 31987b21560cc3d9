package triage_test

import (
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/triage"
)

func py(exception, message string, frames ...ci.Frame) ci.Failure {
	if frames == nil {
		frames = []ci.Frame{frame("tests/test_pool.py", 12, "test_reuse"), frame("src/kv/pool.py", 40, "reuse")}
	}
	return ci.Failure{Kind: ci.KindTest, Tool: "pytest", Phase: "call", Test: "tests/test_pool.py::test_reuse", Exception: exception, Message: message, Frames: frames}
}

func goTest(message string) ci.Failure {
	return ci.Failure{Kind: ci.KindTest, Tool: "go", Test: "example.com/kv/pool.TestReuse", Message: message, Pos: ci.Position{File: "pool/pool_test.go", Line: 31}}
}

func jest(exception, message string) ci.Failure {
	return ci.Failure{Kind: ci.KindTest, Tool: "jest", Test: "src/pool.test.ts::pool › reuses a block", Exception: exception, Message: message, Pos: ci.Position{File: "src/pool.test.ts", Line: 14}}
}

func building(tool, message string, pos ci.Position) ci.Failure {
	return ci.Failure{Kind: ci.KindBuild, Tool: tool, Message: message, Pos: pos}
}

// spoken are failures as the tools word them.
var spoken = []struct {
	name string
	f    ci.Failure
}{
	{"a module that is not installed", py("ModuleNotFoundError", "No module named 'yaml'")},
	{"a submodule of an old version", py("ModuleNotFoundError", "No module named 'numpy.strings'")},
	{"a file that shadows a package", py("ModuleNotFoundError", "No module named 'queue.heap'; 'queue' is not a package")},
	{"a name that a module does not define", py("ImportError", "cannot import name 'Evictor' from 'kv.pool' (/home/ci/project/src/kv/pool.py)")},
	{"a circular import", py("ImportError", "cannot import name 'Pool' from partially initialized module 'kv.pool' (most likely due to a circular import) (/home/ci/project/src/kv/pool.py)")},
	{"a missing shared library", py("ImportError", "libGL.so.1: cannot open shared object file: No such file or directory")},
	{"a forgotten import", py("NameError", "name 'CacheTracer' is not defined", frame("tests/test_kv_isolation.py", 12, "test_isolated"))},
	{"a misspelt name", py("NameError", "name 'evicted' is not defined. Did you mean: 'evict'?")},
	{"a local variable without a value", py("UnboundLocalError", "cannot access local variable 'block' where it is not associated with a value")},
	{"a misspelt attribute", py("AttributeError", "'Pool' object has no attribute 'evicts'. Did you mean: 'evict'?")},
	{"an attribute of None", py("AttributeError", "'NoneType' object has no attribute 'block_id'")},
	{"an attribute that a module has lost", py("AttributeError", "module 'numpy' has no attribute 'bool'. `np.bool` was a deprecated alias")},
	{"a fixture that nobody defines", ci.Failure{Kind: ci.KindError, Tool: "pytest", Phase: "setup", Test: "tests/test_pool.py::test_reuse", Message: "fixture 'pool' not found\n>       available fixtures: cache, capfd, capsys"}},
	{"a fixture that breaks", ci.Failure{Kind: ci.KindError, Tool: "pytest", Phase: "setup", Test: "tests/test_pool.py::test_reuse", Exception: "RuntimeError", Message: "no free blocks", Frames: []ci.Frame{frame("tests/conftest.py", 8, "pool"), frame("src/kv/pool.py", 22, "__init__")}}},
	{"a missing argument", py("TypeError", "Pool.reuse() missing 1 required positional argument: 'block'")},
	{"an argument too many", py("TypeError", "reuse() takes 2 positional arguments but 3 were given")},
	{"a keyword that the signature lost", py("TypeError", "Pool.__init__() got an unexpected keyword argument 'size'")},
	{"None is subscripted", py("TypeError", "'NoneType' object is not subscriptable")},
	{"two types that do not add", py("TypeError", "unsupported operand type(s) for +: 'int' and 'str'")},
	{"a missing key", py("KeyError", "'block_id'")},
	{"an index out of range", py("IndexError", "list index out of range")},
	{"a value that cannot be read", py("ValueError", "invalid literal for int() with base 10: 'abc'")},
	{"code that does not parse", ci.Failure{Kind: ci.KindError, Tool: "pytest", Phase: "collect", Test: "tests/test_pool.py", Exception: "SyntaxError", Message: "expected ':' (pool.py, line 3)", Pos: ci.Position{File: "src/kv/pool.py", Line: 3}}},
	{"a missing file", py("FileNotFoundError", "[Errno 2] No such file or directory: 'data/trace.json'")},
	{"a file that may not be opened", py("PermissionError", "[Errno 13] Permission denied: '/etc/shadow'")},
	{"numbers that differ", py("AssertionError", "assert 3 == 4")},
	{"what a call returns", py("AssertionError", "assert 0.7 == 0.75\n +  where 0.7 = coverage()")},
	{"the call on the right", py("AssertionError", "assert 5 == 4\n +  where 4 = len([1, 2, 3, 4])")},
	{"approx", py("AssertionError", "assert 0.7 == 0.75 ± 7.5e-07\n  \n  comparison failed\n  Obtained: 0.7\n  Expected: 0.75 ± 7.5e-07")},
	{"a list with one item too many", py("AssertionError", "assert [0, 1, 2, 3, 4, 5, ...] == [0, 1, 2, 3, 4, 5, ...]\n  \n  Left contains one more item: 7")},
	{"a list with items missing", py("AssertionError", "assert [0, 1, 2, 3, 4, 5, ...] == [0, 1, 2, 3, 4, 5, ...]\n  \n  Right contains 2 more items, first extra item: 7")},
	{"a set with an extra item", py("AssertionError", "assert {1, 2, 3} == {1, 2}\n  \n  Extra items in the left set:\n  3")},
	{"an attribute of an object", py("AssertionError", "assert 3 == 4\n +  where 3 = <pool.Pool object at 0x7f2a5c0b1d50>.n")},
	{"lists that differ", py("AssertionError", "assert [1, 2, 3] == [1, 2, 4]\n  \n  At index 2 diff: 3 != 4\n  Use -v to get more diff")},
	{"dicts that differ", py("AssertionError", "assert {'a': 1, 'b': 2} == {'a': 1, 'b': 3}\n  \n  Omitting 1 identical items, use -vv to show\n  Differing items:\n  {'b': 2} != {'b': 3}")},
	{"membership", py("AssertionError", "assert 'x' in {'a': 1}")},
	{"a false call", py("AssertionError", "assert False\n +  where False = is_free(3)\n +    where is_free = <kv.pool.Pool object at 0x7f3a>.is_free")},
	{"a bound method", py("AssertionError", "assert 3 == 2\n +  where 3 = <bound method Pool.free of <kv.pool.Pool object at 0x7f10>>()")},
	{"an assertion with a message", py("AssertionError", "pool leaks 2 blocks\nassert 2 == 0\n +  where 2 = leaked(pool)")},
	{"nothing is raised", py("Failed", "DID NOT RAISE <class 'ValueError'>")},
	{"another message is raised", py("AssertionError", "Regex pattern did not match.\n Regex: 'full'\n Input: 'pool is empty'")},
	{"unittest's equality", py("AssertionError", "3 != 4 : wrong count")},
	{"unittest's lists", py("AssertionError", "Lists differ: [1, 2] != [1, 3]\n\nFirst differing element 1:\n2\n3")},
	{"unittest's membership", py("AssertionError", "'x' not found in ['a', 'b']")},
	{"a mock that was called otherwise", py("AssertionError", "expected call not found.\nExpected: evict(3)\n  Actual: evict(4)")},
	{"a mock that was not called", py("AssertionError", "Expected 'evict' to be called once. Called 0 times.")},
	{"NumPy's arrays", py("AssertionError", "\nNot equal to tolerance rtol=1e-07, atol=0\n\nMismatched elements: 1 / 3 (33.3%)\n ACTUAL: array([1., 2., 3.])\n DESIRED: array([1., 2., 4.])")},
	{"a snapshot", py("AssertionError", "assert [+ received] == [- snapshot]\n    dict({\n  -   'a': 1,\n  +   'a': 2,\n    })")},
	{"pytest-timeout", py("Failed", "Timeout (>10.0s) from pytest-timeout.")},
	{"a refused connection", py("ConnectionError", "HTTPConnectionPool(host='localhost', port=8080): Max retries exceeded with url: /v1 (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))")},
	{"a host that does not resolve", py("ConnectionError", "HTTPSConnectionPool(host='api.example.com', port=443): Max retries exceeded with url: /v1 (Caused by NameResolutionError(\"Failed to resolve 'api.example.com' ([Errno -2] Name or service not known)\"))")},
	{"no memory", py("MemoryError", "")},
	{"CUDA's memory", py("OutOfMemoryError", "CUDA out of memory. Tried to allocate 4.39 GiB. GPU 0 has a total capacity of 22.30 GiB")},
	{"a full disk", py("OSError", "[Errno 28] No space left on device")},
	{"a port in use", py("OSError", "[Errno 98] Address already in use")},
	{"a worker that died", ci.Failure{Kind: ci.KindError, Tool: "pytest", Test: "tests/test_pool.py::test_reuse", Message: "worker 'gw0' crashed while running 'tests/test_pool.py::test_reuse'"}},
	{"an exception of their own", py("EvictionError", "block 7 is pinned")},
	{"the root of a chain", ci.Failure{
		Kind: ci.KindTest, Tool: "pytest", Test: "tests/test_pool.py::test_reuse", Exception: "RuntimeError", Message: "pool is broken", Frames: []ci.Frame{frame("src/kv/pool.py", 60, "reuse")},
		Chain: []ci.Link{{Exception: "KeyError", Message: "'block_id'", Frames: []ci.Frame{frame("src/kv/index.py", 9, "find")}}},
	}},
	{"pip finds no version", building("pip", "ERROR: Could not find a version that satisfies the requirement torch==9.9 (from versions: 2.0, 2.1)\nERROR: No matching distribution found for torch==9.9", ci.Position{})},
	{"pip finds a conflict", building("pip", "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.", ci.Position{})},
	{"a wheel that does not build", building("pip", "ERROR: Failed building wheel for torchcomms", ci.Position{})},
	{"npm finds a conflict", building("npm", "npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree\nnpm error While resolving: web@1.0.0", ci.Position{})},
	{"npm finds no version", building("npm", "npm error notarget No matching version found for left-pad@9.9.9.", ci.Position{})},
	{"go misses a module", building("go", "pool.go:4:2: no required module provides package example.com/x/y; to add it:\n\tgo get example.com/x/y", ci.Position{File: "pool.go", Line: 4})},
	{"Go: undefined", building("go build", "undefined: newPool", ci.Position{File: "pool/pool.go", Line: 12, Col: 7})},
	{"Go: unused import", building("go vet", "\"os\" imported and not used", ci.Position{File: "pool/pool.go", Line: 4, Col: 2})},
	{"Go: wrong type", building("go build", "cannot use n (variable of type int) as string value in argument to open", ci.Position{File: "pool/pool.go", Line: 12, Col: 7})},
	{"Go: missing method", building("go build", "p.Evict undefined (type *Pool has no field or method Evict)", ci.Position{File: "pool/pool.go", Line: 12, Col: 7})},
	{"Go: wrong arguments", building("go build", "not enough arguments in call to open\n\thave ()\n\twant (string)", ci.Position{File: "pool/pool.go", Line: 12, Col: 7})},
	{"Go: package does not build", building("go test", "FAIL\texample.com/kv/pool [build failed]", ci.Position{})},
	{"Go: got and want", goTest("pool_test.go:31: Free() = 3, want 4")},
	{"Go: want and got", goTest("pool_test.go:31: expected 4, got 3")},
	{"Go: testify equal", goTest("\tError Trace:\t/home/ci/project/pool/pool_test.go:31\n\tError:      \tNot equal: \n\t            \texpected: 4\n\t            \tactual  : 3\n\tTest:       \tTestReuse")},
	{"Go: testify error", goTest("\tError Trace:\tpool_test.go:31\n\tError:      \tReceived unexpected error:\n\t            \topen trace.json: no such file\n\tTest:       \tTestReuse")},
	{"Go: cmp", goTest("pool_test.go:31: mismatch (-want +got):\n  pool.Block{\n-\tID: 4,\n+\tID: 3,\n  }")},
	{"Go: nil pointer", ci.Failure{Kind: ci.KindTest, Tool: "go", Test: "example.com/kv/pool.TestReuse", Exception: "panic", Message: "runtime error: invalid memory address or nil pointer dereference", Frames: []ci.Frame{frame("pool/pool_test.go", 9, "TestReuse"), frame("pool/pool.go", 40, "(*Pool).Reuse")}}},
	{"Go: time is up", ci.Failure{Kind: ci.KindTest, Tool: "go", Test: "example.com/kv/pool.TestReuse", Exception: "panic", Message: "test timed out after 10m0s\n\trunning tests:\n\t\tTestReuse (10m0s)"}},
	{"Go: deadlock", ci.Failure{Kind: ci.KindTest, Tool: "go", Test: "example.com/kv/pool.TestReuse", Message: "fatal error: all goroutines are asleep - deadlock!"}},
	{"Go: data race", goTest("testing.go:1490: race detected during execution of test")},
	{"Go: dial", goTest("pool_test.go:31: dial tcp 127.0.0.1:5432: connect: connection refused")},
	{"Go: lookup", goTest("Get \"https://api.example.com/v1\": dial tcp: lookup api.example.com: no such host")},
	{"Go: free words", goTest("pool_test.go:31: the pool is empty")},
	{"Go: want and got on lines", goTest("pool of 5:\nwant at most 2\ngot  5")},
	{"Rust: assert_eq!", ci.Failure{Kind: ci.KindTest, Tool: "cargo", Exception: "panic", Message: "assertion `left == right` failed: first block\n  left: 0\n right: 1", Pos: ci.Position{File: "src/lib.rs", Line: 5}}},
	{"JUnit", ci.Failure{Kind: ci.KindTest, Tool: "maven", Exception: "org.opentest4j.AssertionFailedError", Message: "first block ==> expected: <1> but was: <0>", Frames: []ci.Frame{frame("com/example/PoolTest.java", 30, "reuse"), frame("org/junit/jupiter/api/AssertionFailureBuilder.java", 151, "build")}}},
	{"doctest", py("DocTestFailure", "Expected:\n    4\nGot:\n    3")},
	{"a strict xfail that passes", ci.Failure{Kind: ci.KindTest, Tool: "pytest", Test: "t.py::t", Message: "[XPASS(strict)] must stay broken"}},
	{"pytest.fail", py("Failed", "given up - for good")},
	{"a shortened comparison", py("AssertionError", "assert {'name': 'app...ruit', 'red']} == {'name': 'app...it', 'green']}")},
	{"Mocha: time is up", jest("Error", "Timeout of 20ms exceeded. For async tests and hooks, ensure \"done()\" is called")},
	{"Node: deep equality", jest("AssertionError", "Expected values to be strictly deep-equal:\n+ actual - expected\n\n  {\n+   id: 0\n-   id: 1\n  }")},
	{"Vitest: missing module", jest("Error", "Failed to load url ./absent.mjs (resolved id: ./absent.mjs) in /home/ci/project/src/a.mjs. Does the file exist?")},
	{"NUnit", ci.Failure{Kind: ci.KindTest, Tool: "nunit", Message: "Expected failure\n  Expected: 30\n  But was:  20"}},
	{"xUnit", ci.Failure{Kind: ci.KindTest, Tool: "xunit", Exception: "EqualException", Message: "Assert.Equal() Failure\nExpected: 2\nActual:   3"}},
	{"a wrapper that quotes its cause", py("InternalDynamoError", "NameError: name 'cell' is not defined")},
	{"a ref that is gone", ci.Failure{Kind: ci.KindError, Tool: "actions", Message: "fatal: couldn't find remote ref refs/tags/v3"}},
	{"Jest: toBe", jest("Error", "expect(received).toBe(expected) // Object.is equality\n\nExpected: 4\nReceived: 3")},
	{"Jest: toEqual", jest("Error", "expect(received).toEqual(expected) // deep equality\n\n- Expected  - 1\n+ Received  + 1\n\n  Object {\n-   \"id\": 4,\n+   \"id\": 3,\n  }")},
	{"Jest: snapshot", jest("Error", "expect(received).toMatchSnapshot()\n\nSnapshot name: `pool reuses a block 1`\n\n- Snapshot  - 1\n+ Received  + 1")},
	{"Jest: time is up", jest("Error", "thrown: \"Exceeded timeout of 5000 ms for a test.\nAdd a timeout value to this test to increase the timeout\"")},
	{"Jest: missing module", jest("Error", "Cannot find module './pool' from 'src/pool.test.ts'")},
	{"JavaScript: undefined name", jest("ReferenceError", "newPool is not defined")},
	{"JavaScript: not a function", jest("TypeError", "pool.evict is not a function")},
	{"JavaScript: property of undefined", jest("TypeError", "Cannot read properties of undefined (reading 'blockId')")},
	{"Vitest", jest("AssertionError", "expected 3 to be 4 // Object.is equality")},
	{"Chai", jest("AssertionError", "expected [ 1, 2 ] to include 3")},
	{"Node's assert", jest("AssertionError", "Expected values to be strictly equal:\n\n3 !== 4\n")},
	{"Node: no memory", ci.Failure{Kind: ci.KindInfra, Tool: "node", Message: "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"}},
	{"ruff: unused import", ci.Failure{Kind: ci.KindLint, Tool: "ruff", Rule: "F401", Message: "`os` imported but unused", Pos: ci.Position{File: "src/kv/pool.py", Line: 1}}},
	{"ruff: undefined name", ci.Failure{Kind: ci.KindLint, Tool: "ruff", Rule: "F821", Message: "Undefined name `Tracer`", Pos: ci.Position{File: "src/kv/pool.py", Line: 9}}},
	{"black", ci.Failure{Kind: ci.KindLint, Tool: "black", Message: "would reformat", Pos: ci.Position{File: "src/kv/pool.py"}}},
	{"mypy: assignment", ci.Failure{Kind: ci.KindType, Tool: "mypy", Rule: "assignment", Message: `Incompatible types in assignment (expression has type "str", variable has type "int")`, Pos: ci.Position{File: "src/kv/pool.py", Line: 30}}},
	{"mypy: argument", ci.Failure{Kind: ci.KindType, Tool: "mypy", Rule: "arg-type", Message: `Argument 1 to "open" has incompatible type "int"; expected "str"`, Pos: ci.Position{File: "src/kv/pool.py", Line: 31}}},
	{"gcc", building("gcc", "error: no matching function for call to 'Pool::reuse(int)'", ci.Position{File: "src/pool.cc", Line: 4})},
	{"the runner shut down", ci.Failure{Kind: ci.KindInfra, Message: "The runner has received a shutdown signal. This can happen when the runner service is stopped"}},
	{"the job was cancelled", ci.Failure{Kind: ci.KindInfra, Message: "The operation was canceled."}},
	{"the job's time is up", ci.Failure{Kind: ci.KindInfra, Message: "The action 'Test' has timed out after 360 minutes."}},
	{"a rate limit", ci.Failure{Kind: ci.KindInfra, Message: "API rate limit exceeded for user ID 1."}},
	{"a killed process", ci.Failure{Kind: ci.KindInfra, Message: "Process completed with exit code 137."}},
	{"an exit code", ci.Failure{Kind: ci.KindBuild, Tool: "make", Message: "Process completed with exit code 1."}},
	{"a segmentation fault", ci.Failure{Kind: ci.KindError, Tool: "pytest", Test: "tests/test_pool.py::test_reuse", Message: "Fatal Python error: Segmentation fault"}},
	{"nothing that anybody knows", ci.Failure{Kind: ci.KindTest, Message: "the moon is in the wrong house"}},
}

// TestCausesInWords shows every sentence beside its fields; go test -update
// writes the file anew, for people to read the difference.
func TestCausesInWords(t *testing.T) {
	var b strings.Builder
	for _, s := range spoken {
		c := triage.Clusters([]ci.Failure{s.f}, triage.Options{})[0]
		k := c.Cause
		fmt.Fprintf(&b, "%s\n    %s %.2f  %s\n", s.name, k.Class, c.Confidence, k.Sentence)
		for _, f := range [][2]string{{"symbol", k.Symbol}, {"module", k.Module}, {"type", k.Type}, {"rule", k.Rule}, {"host", k.Host}, {"expected", k.Expected}, {"actual", k.Actual}, {"at", k.Pos.String()}, {"next", k.Next}} {
			if f[1] != "" {
				fmt.Fprintf(&b, "    %-8s %s\n", f[0], strings.ReplaceAll(f[1], "\n", "⏎"))
			}
		}
	}
	golden.Assert(t, b.String(), "causes.golden")
}
