package impact

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

// BenchmarkPlanOfAMap decodes a map of a hundred thousand tests, each of which
// ran 240 definitions (as those of SQLAlchemy do), and plans with it. The goal is
// less than a second and 500 MiB.
func BenchmarkPlanOfAMap(b *testing.B) {
	const files, perFile, perTest = 2_000, 50, 240
	tests := 100_000
	r := rand.New(rand.NewPCG(1, 2))
	m := &Map{Commit: "c", Tool: "keepgreen", Python: "3.12.1"}
	in := Input{Settings: Settings{Enabled: true, Threshold: 20}, Config: ReadPytest(nil)}
	for f := range files {
		name := fmt.Sprintf("lib/m%04d.py", f)
		m.Files = append(m.Files, name)
		in.Graph.Modules = append(in.Graph.Modules, ci.Module{Name: fmt.Sprintf("lib.m%04d", f), File: name})
		for d := range perFile {
			m.Defs = append(m.Defs, Def{uint32(f), fmt.Sprintf("f%02d", d)})
		}
	}
	for i := range tests {
		id := ci.TestID(fmt.Sprintf("tests/test_%04d.py::test_%03d", i/100, i%100))
		row := Row{ID: id}
		at := uint32(r.IntN(200))
		for range perTest {
			row.Defs = append(row.Defs, at)
			at += 1 + uint32(r.IntN(2*files*perFile/perTest-2))
			if int(at) >= len(m.Defs) {
				break
			}
		}
		m.Tests, m.Collected = append(m.Tests, row), append(m.Collected, id)
		if i%100 == 0 {
			in.Graph.Modules = append(in.Graph.Modules, ci.Module{Name: fmt.Sprintf("tests.test_%04d", i/100), File: id.File(), Test: true})
		}
	}
	data, err := m.AppendBinary(nil)
	assert.NilError(b, err)
	m = nil
	change := func(hash uint64) []ci.Definition {
		return []ci.Definition{{Name: "<module>", Kind: ci.DefModule, First: 1, Last: 9, Line: 1}, {Name: "f00", Kind: ci.DefFunction, First: 1, Line: 1, Last: 2, Hash: hash}}
	}
	in.Change = []ci.FileChange{{Path: "lib/m0007.py", Status: "M"}}
	b.ReportMetric(float64(len(data))/(1<<20), "MiB-encoded")
	selected := 0
	for b.Loop() {
		parsed, err := ParseMap(data)
		assert.NilError(b, err)
		in.Map = &Dynamic{Map: parsed, Deltas: map[string]Delta{"lib/m0007.py": {Old: change(1), New: change(2)}}, Texts: func(func(string, []byte)) error { return nil }}
		selected = len(Select(in).Tests)
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.HeapSys)/(1<<20), "MiB-heap")
	b.ReportMetric(float64(selected), "selected")
}
