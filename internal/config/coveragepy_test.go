package config_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/config"
)

func TestCoveragePy(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		found            bool
		want             config.Exclusions
	}{
		{"its own file", ".coveragerc", "[run]\nbranch = 1\n[report]\nexclude_also =\n    def __repr__\n\n    # a comment\n    if DEBUG:\n", true, config.Exclusions{Also: []string{"def __repr__", "if DEBUG:"}}},
		{"its own file, empty of exclusions", ".coveragerc", "[run]\nbranch = 1\n", true, config.Exclusions{}},
		{"a section among others'", "setup.cfg", "[metadata]\nname = x\n[coverage:report]\nexclude_lines = pragma: skip\n", true, config.Exclusions{Lines: []string{"pragma: skip"}}},
		{"others' only", "setup.cfg", "[report]\nexclude_lines = x\n", false, config.Exclusions{}},
		{"nothing is left out", "tox.ini", "[coverage:report]\nexclude_lines =\n", true, config.Exclusions{Lines: []string{}}},
		{"TOML", "pyproject.toml", "[tool.coverage.report]\nexclude_also = ['if __name__ == .__main__.:']\n", true, config.Exclusions{Also: []string{"if __name__ == .__main__.:"}}},
		{"TOML without", "pyproject.toml", "[tool.black]\n", false, config.Exclusions{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found, err := config.CoveragePy(c.file, []byte(c.text))
			assert.NilError(t, err)
			assert.Equal(t, found, c.found)
			assert.DeepEqual(t, got, c.want)
		})
	}
	_, found, err := config.CoveragePy("pyproject.toml", []byte("[tool.coverage.report]\nexclude_also = [\n"))
	assert.Assert(t, found && err != nil)
	_, found, err = config.CoveragePy("pyproject.toml", []byte("[[[\n"))
	assert.Assert(t, !found && err != nil)
	_, found, err = config.CoveragePy(".coveragerc", []byte("x = 1\n"))
	assert.Assert(t, found && err != nil)
}
