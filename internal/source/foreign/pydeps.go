package foreign

import (
	"bytes"
	"encoding/json"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/source"
)

// pydepsModule is a value of "pydeps --show-deps".
type pydepsModule struct {
	Name    string
	Path    *string
	Imports []string
	Bacon   *int
}

// isPydeps: an object of objects that have a bacon number.
func isPydeps(data []byte) bool {
	_, value, ok := firstMember(data)
	var m pydepsModule
	return ok && bytes.HasPrefix(value, []byte("{")) && json.Unmarshal(value, &m) == nil && m.Bacon != nil
}

// pydeps reads "pydeps --show-deps". Modules outside the repository, and those
// without a file, are dependencies, by the first part of their names. __main__
// is pydeps' own script.
func pydeps(data []byte, b *builder) error {
	var doc map[string]pydepsModule
	if err := json.Unmarshal(data, &doc); err != nil {
		return fault("pydeps", err)
	}
	module := func(name string) int {
		m := doc[name]
		if m.Path != nil {
			if file := b.clean(*m.Path); !strings.HasPrefix(file, "/") && !strings.Contains(file, ":") {
				return b.module(ci.Module{Name: name, File: file, Package: strings.HasSuffix(file, "/__init__.py"), Test: isTest(file)})
			}
		}
		head, _, _ := strings.Cut(name, ".")
		return b.leaf(head, source.IsStandard(head))
	}
	for name, m := range doc {
		if name == "__main__" {
			continue
		}
		from := module(name)
		for _, to := range m.Imports {
			if to != "__main__" {
				b.add(ci.ImportEdge{From: from, To: module(to), Kind: ci.ImportRuntime})
			}
		}
	}
	return nil
}
