package impact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Matrix is what a job is run for: every combination of its axes. It is the
// value of strategy.matrix of a GitHub workflow.
type Matrix struct {
	Axes    []Axis           // in the order of the file
	Include []map[string]any // of the file
	Exclude []map[string]any
	Shards  int // zero: not split
	Source  string
}

// Axis is one dimension of a matrix.
type Axis struct {
	Name   string
	Values []any
}

// ReadMatrix reads a ci_cd/test_matrix.json: an object of lists, with include
// and exclude as GitHub has them.
func ReadMatrix(data []byte) (Matrix, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	m := Matrix{}
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return m, fmt.Errorf("an object of lists is wanted, such as {\"python\": [\"3.12\"], \"platform\": [\"ubuntu-latest\"]}")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return m, fmt.Errorf("not JSON: %w", err)
		}
		name, _ := key.(string)
		if err := m.member(dec, name); err != nil {
			return m, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return m, fmt.Errorf("not JSON: %w", err)
	}
	if jobs := m.Jobs(); jobs > MaxJobs {
		return m, fmt.Errorf("%d jobs; GitHub runs at most %d of a matrix", jobs, MaxJobs)
	}
	return m, nil
}

func (m *Matrix) member(dec *json.Decoder, name string) error {
	switch name {
	case "include", "exclude":
		var list []map[string]any
		if err := dec.Decode(&list); err != nil {
			return fmt.Errorf("%s: a list of objects is wanted: %w", name, err)
		}
		if name == "include" {
			m.Include = list
		} else {
			m.Exclude = list
		}
		return nil
	case "shard":
		return fmt.Errorf("shard: keepgreen adds this axis; ask for it with --shards")
	}
	var values []any
	if err := dec.Decode(&values); err != nil {
		return fmt.Errorf("%s: a list is wanted: %w", name, err)
	}
	if len(values) == 0 {
		return fmt.Errorf("%s: the list is empty, and a matrix without a job is an error of GitHub's", name)
	}
	for _, v := range values {
		if f, ok := v.(float64); ok {
			return fmt.Errorf("%s: %v is a number; write it as a string, for 3.10 and 3.1 are one number", name, f)
		}
	}
	if slices.ContainsFunc(m.Axes, func(a Axis) bool { return a.Name == name }) {
		return fmt.Errorf("%s: stands there twice", name)
	}
	m.Axes = append(m.Axes, Axis{name, values})
	return nil
}

// Jobs is how many jobs the matrix makes without shards, at most.
func (m Matrix) Jobs() int {
	jobs := 1
	for _, a := range m.Axes {
		if jobs > MaxJobs {
			break
		}
		jobs *= len(a.Values)
	}
	return jobs + len(m.Include)
}

// MarshalJSON writes the axes in their order.
func (m Matrix) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	member := func(name string, value any) error {
		data, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(name)
		b.Write(key)
		b.WriteByte(':')
		b.Write(data)
		return nil
	}
	for _, a := range m.Axes {
		if err := member(a.Name, a.Values); err != nil {
			return nil, err
		}
	}
	if m.Shards > 1 {
		numbers := make([]int, m.Shards)
		for i := range numbers {
			numbers[i] = i + 1
		}
		if err := member("shard", numbers); err != nil {
			return nil, err
		}
	}
	if len(m.Include) > 0 {
		if err := member("include", m.Include); err != nil {
			return nil, err
		}
	}
	if len(m.Exclude) > 0 {
		if err := member("exclude", m.Exclude); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

var (
	classifier = regexp.MustCompile(`Programming Language :: Python :: (3\.\d+)`)
	requires   = regexp.MustCompile(`(?m)^\s*(?:requires-python|python_requires)\s*=\s*["']?\s*(?:>=|~=|\^|==)\s*(3\.\d+)`)
	goVersion  = regexp.MustCompile(`(?m)^go (\d+\.\d+)`)
)

// MatrixOf makes a matrix of the project's metadata: the Pythons that its
// classifiers or its lower bound name, or the Go of its go.mod.
func MatrixOf(texts map[string]string) Matrix {
	var versions []string
	for _, name := range []string{"pyproject.toml", "setup.cfg", "setup.py"} {
		for _, m := range classifier.FindAllStringSubmatch(texts[name], -1) {
			versions = append(versions, m[1])
		}
		if len(versions) > 0 {
			return pythonMatrix(versions, name)
		}
		if m := requires.FindStringSubmatch(texts[name]); m != nil {
			return pythonMatrix([]string{m[1]}, name)
		}
	}
	if v := strings.TrimSpace(texts[".python-version"]); strings.HasPrefix(v, "3.") {
		return pythonMatrix([]string{strings.Fields(v)[0]}, ".python-version")
	}
	if m := goVersion.FindStringSubmatch(texts["go.mod"]); m != nil && texts["pyproject.toml"] == "" {
		return Matrix{Axes: []Axis{{"go", []any{m[1]}}, {"platform", []any{"ubuntu-latest"}}}, Source: "go.mod"}
	}
	return pythonMatrix([]string{"3.x"}, "")
}

func pythonMatrix(versions []string, source string) Matrix {
	minor := func(v string) int {
		_, rest, _ := strings.Cut(v, ".")
		n, _ := strconv.Atoi(rest)
		return n
	}
	slices.SortFunc(versions, func(a, b string) int { return minor(a) - minor(b) })
	versions = slices.Compact(versions)
	values := make([]any, len(versions))
	for i, v := range versions {
		values[i] = v
	}
	return Matrix{Axes: []Axis{{"python", values}, {"platform", []any{"ubuntu-latest"}}}, Source: source}
}
