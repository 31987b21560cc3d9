package junit_test

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report"
)

// truthCase is one UnitTestCase of a .results file, which is the repr of a
// Python object.
type truthCase struct{ file, line, class, name, result, message, time string }

var truthField = regexp.MustCompile(`(?m)^      (\w+)=`)

// truth reads the cases of a .results file.
func truth(tb testing.TB, path string) []truthCase {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var out []truthCase
	for _, block := range strings.Split(string(data), "UnitTestCase(")[1:] {
		fields := map[string]string{}
		at := truthField.FindAllStringSubmatchIndex(block, -1)
		for i, m := range at {
			end := len(block)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			fields[block[m[2]:m[3]]] = pythonValue(block[m[1]:end])
		}
		out = append(out, truthCase{fields["test_file"], fields["line"], fields["class_name"], fields["test_name"], fields["result"], fields["message"], fields["time"]})
	}
	return out
}

// pythonValue is the value of a literal: adjacent strings joined, None empty.
func pythonValue(s string) string {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "'") && !strings.HasPrefix(s, `"`) {
		s, _, _ = strings.Cut(s, "\n")
		s = strings.TrimRight(s, ",) ")
		if s == "None" {
			return ""
		}
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		quote := s[i]
		if quote != '\'' && quote != '"' {
			if quote == ',' || quote == ')' {
				break
			}
			continue
		}
		for i++; i < len(s) && s[i] != quote; i++ {
			if s[i] != '\\' {
				b.WriteByte(s[i])
				continue
			}
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case 'x', 'u', 'U':
				n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
				v, _ := strconv.ParseUint(s[i+1:i+1+n], 16, 32)
				b.WriteRune(rune(v))
				i += n
			default:
				b.WriteByte(s[i])
			}
		}
	}
	return b.String()
}

// exception is a file that is read otherwise than its truth says, on purpose.
type exception struct{ path, why string }

func reasonFor(rows []exception, path string) string {
	for _, row := range rows {
		if strings.HasSuffix(path, row.path) {
			return row.why
		}
	}
	return ""
}

// TestXMLAgainstTruth reads every XML report of the collection, checks each case
// against what the reference implementation found, and counts by folder.
func TestXMLAgainstTruth(t *testing.T) {
	root := filepath.Join(corpus.Dir(t, "junit-publish-action"), "python", "test", "files")
	type count struct {
		right, all int
		otherwise  map[string]string
	}
	folders := map[string]*count{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ext := filepath.Ext(path)
		if entry.IsDir() || ext != ".xml" && ext != ".trx" && ext != ".junit-xml" {
			return nil
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		folder := filepath.ToSlash(filepath.Dir(rel))
		if folders[folder] == nil {
			folders[folder] = &count{otherwise: map[string]string{}}
		}
		folders[folder].all++
		problem := againstTruth(t, path)
		why := reasonFor(readOtherwise, rel)
		switch {
		case problem == "":
			folders[folder].right++
			if why != "" {
				t.Errorf("%s: agrees with its truth now; its row among the exceptions is out of date", rel)
			}
		case why != "":
			folders[folder].otherwise[rel] = why + " [" + firstOf(problem) + "]"
		default:
			t.Errorf("%s: %s", rel, problem)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(folders))
	for name := range folders {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		corpus.State(t, "junit-publish-action/"+name, folders[name].right, folders[name].all, folders[name].otherwise)
	}
}

func firstOf(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// againstTruth says what differs, or nothing.
func againstTruth(t *testing.T, path string) string {
	in, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer in.Close()
	rep, readErr := report.Read(in)
	base := strings.TrimSuffix(path, filepath.Ext(path))
	if _, err := os.Stat(base + ".exception"); err == nil && filepath.Ext(path) != ".junit-xml" {
		if readErr == nil && rep.Format != "unknown" && rep.Format != "log" {
			return fmt.Sprintf("read without an error as %s with %d tests; the truth is an exception", rep.Format, len(rep.Tests))
		}
		return ""
	}
	if readErr != nil {
		return readErr.Error()
	}
	if _, err := os.Stat(base + ".results"); errors.Is(err, fs.ErrNotExist) {
		return "no truth beside it"
	}
	want := truth(t, base+".results")
	got := rep.Tests
	if len(got) != len(want) {
		return fmt.Sprintf("%d results, want %d", len(got), len(want))
	}
	// The reference groups TRX by class; ours keep the order of the file.
	slices.SortStableFunc(want, func(a, b truthCase) int { return cmp.Compare(a.name, b.name) })
	taken := make([]bool, len(got))
	var problems []string
	for _, w := range want {
		best, bestScore, bestProblem := -1, -1, ""
		for i := range got {
			if taken[i] {
				continue
			}
			score, problem := compareCase(got[i], w)
			if score > bestScore {
				best, bestScore, bestProblem = i, score, problem
			}
			if problem == "" {
				break
			}
		}
		taken[best] = true
		if bestProblem != "" {
			problems = append(problems, bestProblem)
		}
	}
	return strings.Join(problems, "\n")
}

var outcomeOf = map[string][]ci.Outcome{
	"success": {ci.Passed}, "failure": {ci.Failed}, "error": {ci.Errored},
	"skipped": {ci.Skipped, ci.XFailed}, "disabled": {ci.Skipped},
}

// compareCase says how much of a case agrees and the first thing that does not.
func compareCase(got ci.TestResult, want truthCase) (score int, problem string) {
	complain := func(ok bool, format string, args ...any) {
		if ok {
			score++
		} else if problem == "" {
			problem = fmt.Sprintf("%s: ", got.ID) + fmt.Sprintf(format, args...)
		}
	}
	name := want.name
	if i := strings.LastIndex(want.name, want.class+"."); want.class != "" && i == 0 {
		name = strings.TrimPrefix(name, want.class+".")
	}
	complain(hasName(string(got.ID), name), "is not called %q", name)
	complain(slices.Contains(outcomeOf[want.result], got.Outcome), "%s, want %s", got.Outcome, want.result)
	if want.time == "" {
		complain(!got.Timed, "has a duration, want none")
	} else {
		v, _ := strconv.ParseFloat(want.time, 64)
		complain(got.Timed && math.Abs(got.Duration.Seconds()-v) < 1e-6*max(1, v), "took %v, want %v", got.Duration, time.Duration(v*1e9))
	}
	if want.file != "" {
		complain(got.File == strings.ReplaceAll(want.file, `\`, "/"), "stands in %q, want %q", got.File, want.file)
	}
	if line, _ := strconv.Atoi(want.line); want.line != "" {
		complain(got.Line == line || got.Framework == "pytest" && got.Line == line+1, "stands in line %d, want %d", got.Line, line)
	}
	if want.message != "" && got.Failure != nil {
		ours, theirs := squeeze(got.Failure.Message), squeeze(want.message)
		ours = ours[:min(len(ours), 40)]
		complain(strings.Contains(theirs, ours) || theirs == "testteardownfailure", "message %q, want %q", got.Failure.Message, want.message)
	}
	return score, problem
}

// hasName: the ID ends in the name; xUnit.net's truth leaves the arguments out.
func hasName(id, name string) bool {
	flat, name := strings.ReplaceAll(id, "::", "."), strings.ReplaceAll(name, "::", ".")
	if flat == name || strings.HasSuffix(flat, "."+name) {
		return true
	}
	return strings.Contains(flat, "."+name+"(") || strings.Contains(flat, "."+name+"<")
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

// readOtherwise are the files that are not read as their truth says.
var readOtherwise = []exception{
	{"NUnit-issue17521.xml", "libxml stops at a NUL; the reader spells it #x00 and keeps every case"},
	{"NUnit-sec1752-file.xml", "a reference to a declared entity is kept as it is written: nothing is fetched, and no case is lost"},
	{"NUnit-sec1752-https.xml", "a reference to a declared entity is kept as it is written: nothing is fetched, and no case is lost"},
	{"jenkinsci/testcase6.junit-xml", "a failing case without a name is called after its suite; the truth leaves it nameless"},
	{"jenkinsci/testcase6.xml", "the test has no method, only a display name; the truth leaves it nameless"},
	{"jenkinsci/testcase3.xml", "0,014 is 14 ms with a decimal comma; the truth drops the comma and says 14 s"},
	{"jenkinsci/testcase3.junit-xml", "0,014 is 14 ms with a decimal comma; the truth drops the comma and says 14 s"},
	{"yami_YAMILEX_2015-10-24_04_18_59.trx", "a test that was aborted while it ran is an error here and skipped in the truth"},
	{"NUnit-issue44527.xml", "a test with the label Invalid could not run; that is an error here and a failure in the truth"},
}

// TestMikepenz reads the dialects whose truth is told by their names and
// content: what each file holds stands beside it, as
// passed/failed/errored/skipped results and those that are repeated executions.
func TestMikepenz(t *testing.T) {
	root := filepath.Join(corpus.Dir(t, "junit-mikepenz"), "test_results")
	want := map[string]string{
		"catch2/report.xml":                                           "0/1/0/0",
		"container-structure/test.xml":                                "3/0/0/0",
		"cunit/testEmpty.xml":                                         "0/0/0/0",
		"cunit/testFailure.xml":                                       "3/1/0/0",
		"flaky_retries/flaky_all_failures.xml":                        "0/2/1/0 +2",
		"flaky_retries/flaky_success_first.xml":                       "1/1/1/0 +2",
		"flaky_retries/flaky_with_classname_file.xml":                 "3/1/1/0 +2",
		"issues/testDisabled.xml":                                     "6/4/2/10",
		"issues/testFailedDisabled.xml":                               "0/0/0/1",
		"junit-server-test/report.xml":                                "2/1/0/1 +1",
		"junit-web-test/expected.xml":                                 "4/1/0/1",
		"junit-web-test/expectedRetries.xml":                          "5/2/0/1 +1",
		"junit_flaky_failure/marathon_junit_report.xml":               "1/1/0/0 +1",
		"junit_flaky_failure/mixed_flaky_and_passed.xml":              "3/1/0/0 +1",
		"marathon_tests/com.mikepenz.DummyTest#test_02_dummy.xml":     "1/0/0/0",
		"marathon_tests/com.mikepenz.DummyTest3#test_01.xml":          "0/1/0/0",
		"marathon_tests/com.mikepenz.DummyUtilTest#test_01_dummy.xml": "0/1/0/0",
		"maven_surefire_flaky/surefire-report.xml":                    "1/1/0/0 +1",
		"mocha/mocha.xml":                                             "1/0/0/0",
		"multiple/test_10.xml":                                        "3/0/0/0",
		"multiple/test_11.xml":                                        "2/1/0/0",
		"multiple/test_12.xml":                                        "2/0/0/1",
		"multiple_failures/test_multiple_errors.xml":                  "1/0/2/0",
		"multiple_failures/test_multiple_failures.xml":                "1/2/0/1",
		"nested/junit.xml":                                            "2/3/0/0",
		"nested/multi-level.xml":                                      "3/0/0/0",
		"nextest/basic.xml":                                           "2/1/0/0",
		"perl/result.xml":                                             "1/0/0/0",
		"python/report.xml":                                           "1/2/0/0",
		"python/report_flaky.xml":                                     "2/2/0/0",
		"xunit/report.xml":                                            "3/1/0/0",
		"xunit/report_fl_on_f.xml":                                    "3/1/0/0",
		"tests/utils/target/surefire-reports/TEST-action.surefire.report.calc.AllOkTest.xml":         "1/0/0/0",
		"tests/utils/target/surefire-reports/TEST-action.surefire.report.calc.CalcUtilsTest.xml":     "0/2/0/0",
		"tests/utils/target/surefire-reports/TEST-action.surefire.report.calc.StringUtilsTest.xml":   "2/2/0/1",
		"tests/email/target/surefire-reports/TEST-action.surefire.report.email.EmailAddressTest.xml": "2/2/5/0",
		"corrupt-junit/e2e-tests/corrupt/target/sf-reports/TEST-test.CorruptTest.xml":                "0/1/0/0 line 18: unexpected EOF",
	}
	seen, right := 0, 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".xml" {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if filepath.Base(rel) == "pom.xml" {
			return nil
		}
		seen++
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		rep, readErr := report.Read(in)
		if got := counts(rep, readErr); got != want[rel] {
			t.Errorf("%s: %s, want %s", rel, got, want[rel])
		} else {
			right++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	corpus.State(t, "junit-mikepenz", right, seen, nil)
	if seen != len(want) {
		t.Errorf("%d files, want %d", seen, len(want))
	}
}

func counts(rep ci.Report, err error) string {
	var n [7]int
	for _, r := range rep.Tests {
		n[r.Outcome]++
	}
	last, _ := ci.Last(rep.Tests)
	s := fmt.Sprintf("%d/%d/%d/%d", n[ci.Passed], n[ci.Failed], n[ci.Errored], n[ci.Skipped])
	if more := len(rep.Tests) - len(last); more > 0 {
		s += fmt.Sprintf(" +%d", more)
	}
	if err != nil {
		s += " " + err.Error()
	}
	return s
}
