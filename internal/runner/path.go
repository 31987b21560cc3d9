package runner

import (
	"os"
	"path/filepath"
	"runtime"
)

// lookPath finds a program in a PATH that need not be the process's own.
func lookPath(name, path string) (string, bool) {
	for _, dir := range filepath.SplitList(path) {
		if file, ok := executable(dir, name); ok {
			return file, true
		}
	}
	return "", false
}

// executable looks for name in dir, with the suffixes of Windows there.
func executable(dir, name string) (string, bool) {
	names := []string{name}
	if runtime.GOOS == "windows" {
		names = []string{name + ".exe", name + ".cmd", name + ".bat"}
	}
	for _, n := range names {
		file := filepath.Join(dir, n)
		info, err := os.Stat(file)
		if err == nil && !info.IsDir() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
			return file, true
		}
	}
	return "", false
}
