package foreign

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// cruiser reads "depcruise --output-type json"
// (https://github.com/sverweij/dependency-cruiser/blob/main/types/cruise-result.d.mts).
func cruiser(data []byte, b *builder) error {
	type dependency struct {
		Module, Resolved string
		CoreModule       bool
		CouldNotResolve  bool
		Dynamic          bool
		DependencyTypes  []string
	}
	var doc struct {
		Modules []struct {
			Source          string
			CoreModule      bool
			CouldNotResolve bool
			Followable      *bool
			DependencyTypes []string
			Dependencies    []dependency
		}
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return fault("dependency-cruiser", err)
	}
	ours := map[string]bool{}
	for _, m := range doc.Modules { // what it cruised itself says no dependencyTypes; what was only seen in passing does
		if !m.CoreModule && !m.CouldNotResolve && !inPackages(m.Source) {
			ours[m.Source] = true
			b.file(m.Source)
		}
	}
	for _, m := range doc.Modules {
		if !ours[m.Source] {
			continue
		}
		from := b.file(m.Source)
		for _, d := range m.Dependencies {
			e := ci.ImportEdge{From: from, Kind: cruiserKind(d.Dynamic, d.DependencyTypes), Dynamic: d.Dynamic}
			switch {
			case ours[d.Resolved]:
				e.To = b.file(d.Resolved)
			case d.CoreModule:
				e.To = b.leaf(strings.TrimPrefix(d.Module, "node:"), true)
			case d.CouldNotResolve && strings.HasPrefix(d.Module, "."):
				b.graph.Warnings = append(b.graph.Warnings, ci.Warning{Source: b.clean(m.Source), Text: d.Module + " is imported and is no file here"})
				continue
			default:
				e.To = b.leaf(packageName(d.Module), false)
			}
			b.add(e)
		}
	}
	return nil
}

func cruiserKind(dynamic bool, types []string) ci.ImportKind {
	switch {
	case slices.Contains(types, "type-only") || slices.Contains(types, "pre-compilation-only"):
		return ci.ImportTyping
	case dynamic:
		return ci.ImportLazy
	}
	return ci.ImportRuntime
}

func inPackages(file string) bool {
	return strings.HasPrefix(file, "node_modules/") || strings.Contains(file, "/node_modules/")
}

// packageName is the package of an npm import: "@scope/name/sub" is of "@scope/name".
func packageName(module string) string {
	parts := strings.SplitN(module, "/", 3)
	if strings.HasPrefix(module, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// isMadge: an object of lists of words.
func isMadge(data []byte) bool {
	_, value, ok := firstMember(data)
	var list []string
	return ok && bytes.HasPrefix(value, []byte("[")) && json.Unmarshal(value, &list) == nil
}

// madge reads "madge --json", which says who imports whom and nothing else.
func madge(data []byte, b *builder) error {
	var doc map[string][]string
	if err := json.Unmarshal(data, &doc); err != nil {
		return fault("madge", err)
	}
	for name := range doc {
		b.file(name)
	}
	for name, list := range doc {
		for _, to := range list {
			b.add(ci.ImportEdge{From: b.file(name), To: b.file(to), Kind: ci.ImportRuntime})
		}
	}
	return nil
}
