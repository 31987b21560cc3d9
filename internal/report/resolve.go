package report

import (
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/pytest"
)

// maxModules bounds how many modules Resolve looks for only once.
const maxModules = 1 << 14

// Resolve gives pytest results whose source had only dotted names the node ID
// that the file tree proves: of the paths that the dots allow, the longest that
// exists is the file. exists takes a slash-separated path relative to the
// repository; nil: there is none to ask. Names for which no file is found keep
// the guess of the reader.
func Resolve(reports []ci.Report, exists func(path string) bool) {
	if exists == nil {
		return
	}
	known := map[string]string{} // dotted prefix to path, "" if there is none
	for i := range reports {
		for k := range reports[i].Tests {
			t := &reports[i].Tests[k]
			if t.Framework != "pytest" || t.File != "" && t.File == t.ID.File() {
				continue
			}
			id, file := resolveOne(t.ID, exists, known)
			if file == "" {
				continue
			}
			t.ID = id
			if t.File == "" {
				t.File = file
			}
			if t.Failure != nil {
				t.Failure.Test = id
				if t.Failure.Pos.File == "" {
					t.Failure.Pos.File = file
				}
			}
		}
	}
}

func resolveOne(id ci.TestID, exists func(string) bool, known map[string]string) (ci.TestID, string) {
	file, rest, _ := strings.Cut(string(id), "::")
	if !strings.HasSuffix(file, ".py") {
		return id, ""
	}
	base := string(id.Base())
	params := string(id)[len(base):]
	levels := strings.Split(pytest.DottedModule(file), ".")
	inFile := len(levels)
	if rest != "" {
		levels = append(levels, strings.Split(strings.TrimPrefix(base, file+"::"), "::")...)
	}
	key := strings.Join(levels[:max(1, len(levels)-1)], ".")
	path, asked := known[key]
	if !asked {
		path = longestFile(levels, inFile, exists)
		if len(known) < maxModules {
			known[key] = path
		}
	}
	if path == "" {
		return id, ""
	}
	deep := strings.Count(path, "/") + 1
	if deep > len(levels) || !slices.Equal(strings.Split(strings.TrimSuffix(path, ".py"), "/"), levels[:deep]) {
		return id, ""
	}
	out := path
	if deep < len(levels) {
		out += "::" + strings.Join(levels[deep:], "::")
	}
	return ci.TestID(out + params), path
}

// longestFile tries the levels of a dotted name from the right. The guess's own
// levels come first only in being longer: the file tree decides.
func longestFile(levels []string, inFile int, exists func(string) bool) string {
	longest := len(levels) - 1
	if inFile == len(levels) {
		longest = inFile // a module that could not be collected has no test after it
	}
	for n := longest; n > 0; n-- {
		if path := strings.Join(levels[:n], "/") + ".py"; exists(path) {
			return path
		}
	}
	return ""
}
