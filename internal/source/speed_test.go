package source_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"keepgreen/internal/source"
)

// BenchmarkFiles reads the files of TestAgainstPython's list, which hold
// comments and docstrings as real ones do, on one core.
func BenchmarkFiles(b *testing.B) {
	path := os.Getenv("KEEPGREEN_AST_TRUTH")
	if path == "" {
		b.Skip("set KEEPGREEN_AST_TRUTH to the output of bench/ast_truth.py")
	}
	list, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer list.Close()
	lines := bufio.NewScanner(list)
	lines.Buffer(nil, 256<<20)
	var files [][]byte
	size := 0
	for lines.Scan() && size < 200<<20 {
		var want truth
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			b.Fatal(err)
		}
		src, err := os.ReadFile(want.Path)
		if err != nil {
			b.Fatal(err)
		}
		files = append(files, src)
		size += len(src)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, src := range files {
			source.Python(src)
		}
	}
	b.ReportMetric(float64(len(files)*b.N)/b.Elapsed().Seconds(), "files/s")
}
