package report_test

import (
	"fmt"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/report"
)

func TestResolve(t *testing.T) {
	tree := map[string]bool{
		"tests/test_x.py": true, "tests/lower/test_y.py": true, "pkg/Upper/test_z.py": true, "tests/test_import.py": true,
	}
	for _, tc := range []struct{ name, class, test, guess, want string }{
		{"the guess was right", "tests.test_x.TestA", "test_b[1]", "tests/test_x.py::TestA::test_b[1]", "tests/test_x.py::TestA::test_b[1]"},
		{"a class in lower case", "tests.lower.test_y.case", "test_b", "tests/lower/test_y/case.py::test_b", "tests/lower/test_y.py::case::test_b"},
		{"a package in upper case", "pkg.Upper.test_z", "test_b", "pkg.py::Upper::test_z::test_b", "pkg/Upper/test_z.py::test_b"},
		{"parameters with dots and colons", "tests.lower.test_y.case", "test_b[a.b::c/d]", "tests/lower/test_y/case.py::test_b[a.b::c/d]", "tests/lower/test_y.py::case::test_b[a.b::c/d]"},
		{"a module that could not be collected", "", "tests.test_import", "tests/test_import.py", "tests/test_import.py"},
		{"a file that is not in the tree", "other.test_q.TestA", "test_b", "other/test_q.py::TestA::test_b", "other/test_q.py::TestA::test_b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rep := readText(t, fmt.Sprintf(`<testsuite name="pytest"><testcase classname="%s" name="%s"><failure message="m"/></testcase></testsuite>`, tc.class, tc.test))
			if got := string(rep.Tests[0].ID); got != tc.guess {
				t.Errorf("guessed %s, want %s", got, tc.guess)
			}
			report.Resolve([]ci.Report{rep}, func(path string) bool { return tree[path] })
			got := rep.Tests[0]
			if string(got.ID) != tc.want || got.Failure.Test != got.ID {
				t.Errorf("resolved %s (its failure: %s), want %s", got.ID, got.Failure.Test, tc.want)
			}
			if known := tree[got.ID.File()] || tree[string(got.ID)]; known != (got.File != "") {
				t.Errorf("the file of %s is %q", got.ID, got.File)
			}
		})
	}
}

// Reports of earlier runs are read without their repository.
func TestResolveWithoutRepository(t *testing.T) {
	reports := []ci.Report{{Tests: []ci.TestResult{{ID: "tests/test_a.py::test_one", Framework: "pytest"}}}}
	report.Resolve(reports, nil)
	if id := reports[0].Tests[0].ID; id != "tests/test_a.py::test_one" {
		t.Errorf("%s", id)
	}
}
