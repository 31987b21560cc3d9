package runners_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report/reporttest"
	"keepgreen/internal/report/runners"
)

// TestMavenOnRealFailures looks at what is said about failing jobs of other
// projects, for the shapes that the captures beside the tests do not have.
func TestMavenOnRealFailures(t *testing.T) {
	dir := filepath.Join(corpus.Dir(t, "logs-cidiff"), "data", "breakages")
	for _, row := range []struct {
		name, job string
		want      string // ID or tool, exception, place, and the first line of the message
	}{
		{"gradle's short form, with another line in it", "cidiff_11", "LogDifferTest::testGithubParsing|IllegalArgumentException|LogDifferTest.java:61|IllegalArgumentException"},
		{"gradle's full form, with a cause", "cidiff_57", "ConsoleClientTest::testClassicParsing|IllegalArgumentException|org/github/gumtreediff/cidiff/LogParser.java:39|java.nio.file.NoSuchFileException: ../data/astor_399.log"},
		{"surefire leaves the class to the line above", "sorald_265", "sorald.miner.WarningMinerTest::extractWarnings_statsOutput_containsExpectedAttributes|AssertionError|sorald/miner/WarningMinerTest.java:189|Expected: a value greater than <0>"},
		{"surefire 3", "commonslang_2089", "org.apache.commons.lang3.time.DurationUtilsTest::testOfConsumer|AssertionFailedError|org/apache/commons/lang3/time/DurationUtilsTest.java:84|expected: <true> but was: <false>"},
		{"a dependency that cannot be resolved", "spooncontrolflow_805", "maven|||Could not resolve dependencies for project fr.inria.gforge.spoon:spoon-control-flow:jar:0.0.2-SNAPSHOT: Could not find artifact fr.inria.gforge.spoon:spoon-core:jar:9.2.0-SNAPSHOT"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, err := os.Open(filepath.Join(dir, row.job, "fail.log"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rep, err := runners.ReadMaven(f)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range (ci.Run{Tests: rep.Tests}).Failures() {
				got = append(got, strings.Join([]string{string(f.Test), f.Exception, f.Pos.String(), f.Headline()}, "|"))
			}
			for _, f := range rep.Failures {
				got = append(got, strings.Join([]string{f.Name(), f.Exception, f.Pos.String(), f.Headline()}, "|"))
			}
			if len(got) != 1 || got[0] != row.want {
				t.Errorf("want %s\ngot  %s", row.want, strings.Join(got, "\n     "))
			}
		})
	}
}

// TestRunnerShapes reads shapes that the tools print only in versions or under
// conditions which the captures do not have; each is as its source prints it.
func TestRunnerShapes(t *testing.T) {
	for _, row := range []struct {
		name, text string
		read       func(string) (ci.Report, error)
	}{
		{"nextest", nextestText, func(s string) (ci.Report, error) { return runners.ReadCargo(strings.NewReader(s)) }},
		{"rust-1.72", oldRustText, func(s string) (ci.Report, error) { return runners.ReadCargo(strings.NewReader(s)) }},
		{"cargo-signal", cargoSignalText, func(s string) (ci.Report, error) { return runners.ReadCargo(strings.NewReader(s)) }},
		{"gradle", gradleText, func(s string) (ci.Report, error) { return runners.ReadMaven(strings.NewReader(s)) }},
		{"surefire-2", surefire2Text, func(s string) (ci.Report, error) { return runners.ReadMaven(strings.NewReader(s)) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			rep, err := row.read(row.text)
			if err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, reporttest.Describe(rep), filepath.Join("shapes", row.name+".golden"))
		})
	}
}

// nextestText follows the reporter of nextest 0.9 (nextest-runner/src/reporter).
const nextestText = `    Finished ` + "`test`" + ` profile [unoptimized + debuginfo] target(s) in 0.04s
────────────
 Nextest run ID 6f0a with nextest profile: default
    Starting 5 tests across 2 binaries
        PASS [   0.004s] (1/5) kv-pool tests::keeps_its_size
  TRY 1 FAIL [   0.005s] (─────) kv-pool tests::flaky
  stdout ───

    running 1 test
    test tests::flaky ... FAILED

  stderr ───

    thread 'tests::flaky' panicked at src/lib.rs:60:9:
    not this time
    note: run with ` + "`RUST_BACKTRACE=1`" + ` environment variable to display a backtrace

  TRY 2 PASS [   0.004s] (2/5) kv-pool tests::flaky
        FAIL [   0.006s] (3/5) kv-pool tests::takes_in_order
--- STDERR:              kv-pool tests::takes_in_order ---

thread 'tests::takes_in_order' panicked at src/lib.rs:30:9:
assertion ` + "`left == right`" + ` failed: first block
  left: 0
 right: 1

     SIGABRT [   0.010s] (4/5) kv-pool::reuse aborts
     TIMEOUT [  60.002s] (5/5) kv-pool::reuse hangs
────────────
     Summary [  60.010s] 5 tests run: 2 passed (1 flaky), 3 failed, 0 skipped
   FLAKY 2/2 [   0.004s] kv-pool tests::flaky
        FAIL [   0.006s] kv-pool tests::takes_in_order
     SIGABRT [   0.010s] kv-pool::reuse aborts
     TIMEOUT [  60.002s] kv-pool::reuse hangs
error: test run failed
`

const oldRustText = `     Running target/debug/deps/kv_pool-0123456789abcdef

running 1 test
test tests::old ... FAILED

failures:

---- tests::old stdout ----
thread 'tests::old' panicked at 'no such block', src/lib.rs:30:9
note: run with ` + "`RUST_BACKTRACE=1`" + ` environment variable to display a backtrace


failures:
    tests::old

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`

const cargoSignalText = `     Running unittests src/lib.rs (target/debug/deps/kv_pool-0123456789abcdef)

running 2 tests
test tests::keeps_its_size ... ok
error: test failed, to rerun pass ` + "`--lib`" + `

Caused by:
  process didn't exit successfully: ` + "`/home/ci/project/target/debug/deps/kv_pool-0123456789abcdef`" + ` (signal: 11, SIGSEGV: invalid memory reference)
`

const gradleText = `> Task :compileJava
> Task :test FAILED

com.example.PoolTest > keepsItsSize() PASSED

PoolTest > Reuse > givesBack() FAILED
    java.lang.IllegalStateException: no block
        at com.example.Pool.take(Pool.java:17)
        at com.example.PoolTest$Reuse.givesBack(PoolTest.java:63)

        Caused by:
        java.nio.file.NoSuchFileException: data/blocks.log
            at java.base/sun.nio.fs.UnixException.translateToIOException(UnixException.java:92)
            at com.example.Store.read(Store.java:9)
            ... 5 more

PoolTest > sizes(int) > [2] 5 FAILED
    org.opentest4j.AssertionFailedError: expected: <1> but was: <5>
        at com.example.PoolTest.sizes(PoolTest.java:40)

PoolTest > onDevice() SKIPPED

4 tests completed, 2 failed, 1 skipped
/home/ci/project/src/main/java/com/example/Store.java:9: error: cannot find symbol
  symbol:   variable absent
  location: class Store

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':test'.
> There were failing tests. See the report at: file:///home/ci/project/build/reports/tests/test/index.html
`

const surefire2Text = `Running com.example.PoolTest
Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 sec <<< FAILURE! - in com.example.PoolTest
takesInOrder(com.example.PoolTest)  Time elapsed: 0.011 sec  <<< FAILURE!
java.lang.AssertionError: expected:<1> but was:<0>
	at org.junit.Assert.fail(Assert.java:88)
	at com.example.PoolTest.takesInOrder(PoolTest.java:20)


Results :

Failed tests:
  PoolTest.takesInOrder:20 expected:<1> but was:<0>
`
