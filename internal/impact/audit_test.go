package impact

import (
	"fmt"
	"math"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/source"
)

// The figures are those of R's binom.test.
func TestMissInterval(t *testing.T) {
	for _, c := range []struct {
		missed, failed int
		low, high      float64
	}{{0, 0, 0, 1}, {0, 10, 0, 0.30850}, {1, 10, 0.00253, 0.44502}, {10, 10, 0.69150, 1}, {3, 200, 0.00310, 0.04320}} {
		low, high := MissInterval(c.missed, c.failed)
		assert.Assert(t, math.Abs(low-c.low) < 1e-4 && math.Abs(high-c.high) < 1e-4, "%d of %d: %.5f to %.5f", c.missed, c.failed, low, high)
	}
}

func TestLinesMoveWithWhatDidNotChange(t *testing.T) {
	old := "import a\ndef f():\n    return 1\ndef g():\n    x = 2\n    return x\ny = 1\n"
	now := "import a\nimport b\ndef f():\n    return 7\n\ndef g():\n    x = 2\n    return x\ny = 1\n"
	a, b := source.Python([]byte(old)), source.Python([]byte(now))
	got := Delta{Old: a.Defs, New: b.Defs, OldText: []byte(old), NewText: []byte(now)}.Moved()
	assert.Equal(t, fmt.Sprint(got), "map[1:1 4:6 5:7 6:8 7:9 8:10]") // not f, which changed
	assert.Equal(t, len(Delta{}.Moved()), 0)
}
