package coverage_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

// TestCaptured reads what real tools wrote (testdata/capture.sh) and compares
// with what each of them says of its own file: its summary, in the second column.
func TestCaptured(t *testing.T) {
	for _, c := range []struct {
		file, source, tool string
		says               [4]int // lines and branches: covered, total
		ran, missed        int    // a line of the source that ran, and one that did not
	}{
		{"gcovr.json", "pool.c", "gcovr", [4]int{8, 14, 2, 8}, 7, 6},
		{"llvm-cov.json", "pool.c", "llvm-cov", [4]int{11, 18, 2, 8}, 7, 12},
		{"clover.xml", "pool.js", "clover", [4]int{3, 6, 2, 4}, 5, 9},
		{"istanbul.info", "pool.js", "lcov", [4]int{3, 6, 2, 4}, 5, 9},
		{"simplecov.resultset.json", "pool.rb", "simplecov", [4]int{6, 9, 2, 4}, 8, 6},
		{"jacoco.xml", "Pool.java", "jacoco", [4]int{7, 14, 2, 10}, 6, 4},
	} {
		t.Run(c.file, func(t *testing.T) {
			got := open(t, "testdata", c.file)
			covered, total, coveredBranches, totalBranches := got.Counts()
			assert.Equal(t, [4]int{covered, total, coveredBranches, totalBranches}, c.says)
			assert.Equal(t, got.Tool, c.tool)
			assert.Assert(t, got.Branches)
			var f *ci.FileCoverage
			for name := range got.Files {
				assert.Equal(t, name, c.source)
				f = got.Files[name]
			}
			assert.Equal(t, len(got.Files), 1)
			if len(f.Lines) > 0 {
				missed, measured := f.Lines[c.missed]
				assert.Assert(t, f.Lines[c.ran] > 0 && measured && missed == 0, "%v", f.Lines)
			}
		})
	}
}
