package junit_test

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/junit"
)

// pytest writes its own crash as a test case; it is a failure of no test.
func TestAnInternalErrorOfPytestIsNoTest(t *testing.T) {
	rep, err := junit.Read(strings.NewReader(`<testsuites name="pytest tests"><testsuite name="pytest" errors="1" tests="1">
<testcase classname="pytest" name="internal" time="0.000"><error message="internal error">Traceback (most recent call last):
  File "conftest.py", line 2, in pytest_collection_modifyitems
    raise RuntimeError("boom in a hook")
RuntimeError: boom in a hook
</error></testcase></testsuite></testsuites>`))
	assert.NilError(t, err)
	assert.Equal(t, len(rep.Tests), 0)
	assert.Equal(t, len(rep.Failures), 1)
	assert.Equal(t, rep.Failures[0].Kind, ci.KindError)
	assert.Equal(t, rep.Failures[0].Exception+": "+rep.Failures[0].Message, "RuntimeError: boom in a hook")
}
