package junit_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"keepgreen/internal/ci"
	"keepgreen/internal/report"
	"keepgreen/internal/report/junit"
	"keepgreen/internal/report/reporttest"
)

func readJUnit(t *testing.T, text string) ci.Report {
	t.Helper()
	rep, err := junit.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

const pytestTruth = `tests/test_import.py error error collect ModuleNotFoundError: No module named 'no_such_module' @tests/test_import.py:1
tests/unit/test_pool.py::TestPool::TestInner::test_deep failed test call AssertionError: assert [1, 2] == [1, 3] @tests/unit/test_pool.py:7
tests/unit/test_pool.py::TestPool::test_dtype[fp16] failed test call AssertionError: assert 'fp16' != 'fp16' @tests/unit/test_pool.py:11
tests/unit/test_pool.py::TestPool::test_dtype[a::b.c/d]] passed
tests/unit/test_pool.py::TestPool::test_dtype[\x1b[31m] passed
tests/unit/test_pool.py::TestPool::test_gpu skipped (needs a GPU)
tests/unit/test_pool.py::TestPool::test_leak xfailed (known leak)
tests/unit/test_pool.py::test_setup error error setup OSError: no such device @tests/unit/test_pool.py:24
tests/unit/test_pool.py::test_teardown error error teardown ValueError: pool not empty @tests/unit/test_pool.py:30
tests/unit/test_pool.py::test_both failed test call AssertionError: call failed, too @tests/unit/test_pool.py:43
beside tests/unit/test_pool.py::test_both error teardown ValueError: pool not empty @tests/unit/test_pool.py:30
`

// TestPytestFiles reads what pytest itself wrote (testdata/regenerate.sh):
// the family with the file attribute and the one without it say the same.
func TestPytestFiles(t *testing.T) {
	for _, family := range []string{"xunit1", "xunit2"} {
		data, err := os.ReadFile("testdata/pytest-" + family + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		rep := readJUnit(t, string(data))
		if got := reporttest.Brief(rep); got != pytestTruth {
			t.Errorf("%s:\n%s\nwant:\n%s", family, got, pytestTruth)
		}
		for _, r := range rep.Tests {
			if known := r.File != ""; known != (family == "xunit1") {
				t.Errorf("%s: %s has the file %q", family, r.ID, r.File)
			}
		}
	}
	rep := readJUnit(t, mustRead(t, "testdata/pytest-xunit1.xml"))
	if got := rep.Tests[1].Line; got != 6 {
		t.Errorf("the line of test_deep is %d, want 6: pytest counts from 0", got)
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestJUnitDialects(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{
			"a flaky test passed at last and its failures come first",
			`<testsuite name="S"><testcase classname="a.B" name="t" time="1"><flakyFailure message="x" type="java.lang.AssertionError"><stackTrace>at a.B.t(B.java:3)</stackTrace><system-out>noise</system-out></flakyFailure><flakyError message="y" type="java.io.IOException"/></testcase></testsuite>`,
			"a.B::t failed #1 test  AssertionError: x @B.java:3\na.B::t error #2 test  IOException: y @\na.B::t passed #3\n",
		},
		{
			"a test that was rerun and still failed has a result for each run",
			`<testsuite name="S"><testcase classname="a.B" name="t"><failure message="one"/><rerunFailure message="two"/><rerunError message="three"/></testcase></testsuite>`,
			"a.B::t failed #1 test  : one @\na.B::t failed #2 test  : two @\na.B::t error #3 test  : three @\n",
		},
		{
			"a test that is listed twice was retried",
			`<testsuite name="S"><testcase classname="C" name="t"><failure/></testcase><testcase classname="C" name="u"/><testcase classname="C" name="t"/></testsuite>`,
			"C::t failed #1 test  : test failure @\nC::u passed\nC::t passed #2\n",
		},
		{
			"tests of gotestsum go by package and name",
			`<testsuites><testsuite name="example.com/m/pkg"><properties><property name="go.version" value="go1.26"/></properties><testcase classname="pkg" name="TestA/b_c"><failure message="Failed">    a_test.go:3: no</failure></testcase></testsuite></testsuites>`,
			"example.com/m/pkg.TestA/b_c failed test  : no @a_test.go:3\n",
		},
		{
			"a package that did not build is no test",
			`<testsuites><testsuite name="example.com/m"><properties><property name="go.version" value="go1.26"/></properties><testcase classname="example.com/m" name="[build failed]"><error message="Build error">./a.go:3:9: undefined: x</error></testcase></testsuite></testsuites>`,
			"beside  build  : undefined: x @a.go:3:9\n",
		},
		{
			"cases without a class go by their innermost suite",
			`<testsuites><testsuite name="outer"><testsuite name="inner.test.js"><testcase classname="" name="loads"/></testsuite></testsuite></testsuites>`,
			"inner.test.js::loads passed\n",
		},
		{
			"a disabled test counts as skipped whatever it says",
			`<testsuite name="S"><testcase name="t" status="disabled"><failure>Assert</failure></testcase></testsuite>`,
			"S::t skipped (disabled: Assert)\n",
		},
		{
			"a test that did not run says so in its status",
			`<testsuite name="S"><testcase name="t" status="notrun"/><testcase name="u" status="run"/><testcase name="v" status="failed"/></testsuite>`,
			"S::t skipped (notrun)\nS::u passed\nS::v failed test  : test failure @S\n",
		},
		{
			"a case without a name is nobody's, but its failure counts",
			`<testsuites><testsuite><testcase/><testcase><error message="boom"/></testcase></testsuite></testsuites>`,
			"beside  test  : boom @\n",
		},
		{
			"what fails around a suite is a failure beside the tests",
			`<testsuite name="S"><error message="could not start" type="a.StartException">at a.S.go(S.java:7)</error></testsuite>`,
			"beside  error  StartException: could not start @S.java:7\n",
		},
		{
			"entities and references are resolved, those of the document are not",
			`<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"><!-- ] > -->]><testsuite name="S"><testcase name="&lt;&#65;&#x42;&b;&amp;amp;&nbsp;&;>"/></testsuite>`,
			"S::<AB&b;&amp;&nbsp;&;> passed\n",
		},
		{
			"angle brackets in attributes and stray ones in text are survived",
			`<testsuite name="S"><testcase name="a" time="<<computed>>"/><testcase name='b>"c'></testcase></testsuite>`,
			"S::a passed\nS::b>\"c passed\n",
		},
		{
			"control characters are spelled out",
			"<testsuite name='S'><testcase name='a\x1b[31m&#x1b;\x00\xff'/></testsuite>",
			"S::a#x1B[31m#x1B#x00\uFFFD passed\n",
		},
		{
			"comments, instructions and CDATA with brackets in it",
			`<?xml version="1.0"?><!-- <testcase name="no"/> --><testsuite name="S"><?php <testcase name="no"/> ?><testcase name="t"><failure><![CDATA[a ]] > ]]]]><![CDATA[> <b>&amp;]]></failure></testcase></testsuite>`,
			"S::t failed test  : a ]] > ]]> <b>&amp; @\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := reporttest.Brief(readJUnit(t, tc.in))
			if strings.ReplaceAll(got, "@S\n", "@\n") != strings.ReplaceAll(tc.want, "@S\n", "@\n") {
				t.Errorf("got:\n%swant:\n%s", got, tc.want)
			}
			// The same in pieces of one byte: no token depends on where the window ends.
			again, err := junit.Read(iotest.OneByteReader(strings.NewReader(tc.in)))
			if err != nil || reporttest.Brief(again) != got {
				t.Errorf("byte by byte: %v\n%s", err, reporttest.Brief(again))
			}
		})
	}
}

func TestJUnitTimes(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"0.25": 250 * time.Millisecond, "1,234.5": 1234500 * time.Millisecond, "1e-05": 10 * time.Microsecond,
		"0,014": 14 * time.Millisecond, "1,234": 1234 * time.Second, "12": 12 * time.Second, " 3 ": 3 * time.Second, "4.50611114501953e-05": 45061,
	} {
		rep := readJUnit(t, `<testsuite name="S"><testcase name="t" time="`+in+`"/></testsuite>`)
		if got := rep.Tests[0]; !got.Timed || got.Duration != want {
			t.Errorf("%q: %v, %v; want %v", in, got.Duration, got.Timed, want)
		}
	}
	for _, in := range []string{"", "soon", "-1", "NaN", "Inf", "1e300"} {
		rep := readJUnit(t, `<testsuite name="S"><testcase name="t" time="`+in+`"/></testsuite>`)
		if rep.Tests[0].Timed {
			t.Errorf("%q: counts as a duration", in)
		}
	}
}

func TestBrokenJUnit(t *testing.T) {
	for _, tc := range []struct{ name, in, want, err string }{
		{"an empty file", "", "", "line 1: unexpected EOF: there is no element in it"},
		{"no XML at all", "hello\n", "", "line 2: unexpected EOF: there is no element in it"},
		{"cut in a tag", "<testsuite name='S'>\n<testcase name='a'/>\n<testcase na", "S::a passed\n", "line 3: unexpected EOF"},
		{"cut in a failure", "<testsuite name='S'>\n<testcase name='a'><failure message='m'>tex", "S::a failed test  : m @\n", "line 2: unexpected EOF"},
		{"cut in a CDATA section", "<testsuite name='S'><testcase name='a'><failure><![CDATA[te\nxt", "S::a failed test  : te @\n", "line 2: unexpected EOF"},
		{"cut between tags", "<testsuite name='S'>\n<testcase name='a'/>\n", "S::a passed\n", "line 3: unexpected EOF"},
		{"an end tag too many", "<testsuite name='S'>\n</testcase>\n<testcase name='a'/></testsuite>", "S::a passed\n", "line 2: </testcase> closes nothing"},
		{"an end tag too few", "<testsuite name='S'><testcase name='a'>\n</testsuite>", "S::a passed\n", "line 2: </testsuite> closes <testcase>"},
		{"quotes in a value", `<testsuite name="S"><testcase name="a"b" time="1"/></testsuite>`, "S::a passed\n", `line 1: attribute name is followed by 'b'`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rep, err := junit.Read(strings.NewReader(tc.in))
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			if got := reporttest.Brief(rep); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	_, err := junit.Read(io.MultiReader(strings.NewReader("<testsuite>\n"), iotest.ErrReader(io.ErrClosedPipe)))
	if err == nil || err.Error() != "line 2: io: read/write on closed pipe" {
		t.Errorf("a reader's error: %v", err)
	}
}

func TestJUnitEncodings(t *testing.T) {
	const doc = `<?xml version="1.0" encoding="%s"?><testsuite name="S"><testcase name="Größe 𝄞 日本"/></testsuite>`
	wide := func(s string, order func([]byte, uint16) []byte, mark bool) string {
		var b []byte
		if mark {
			b = order(b, 0xfeff)
		}
		for _, u := range utf16.Encode([]rune(s)) {
			b = order(b, u)
		}
		return string(b)
	}
	little := func(b []byte, u uint16) []byte { return append(b, byte(u), byte(u>>8)) }
	big := func(b []byte, u uint16) []byte { return append(b, byte(u>>8), byte(u)) }
	u8, u16 := fmt.Sprintf(doc, "utf-8"), fmt.Sprintf(doc, "utf-16")
	for name, in := range map[string]string{
		"UTF-8": u8, "UTF-8 with a mark": "\ufeff" + u8,
		"UTF-16 little endian": wide(u16, little, true), "UTF-16 big endian": wide(u16, big, true),
		"UTF-16 little endian without a mark": wide(u16, little, false), "UTF-16 big endian without a mark": wide(u16, big, false),
	} {
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			rep, err := junit.Read(r)
			if err != nil || reporttest.Brief(rep) != "S::Größe 𝄞 日本 passed\n" {
				t.Errorf("%s: %v %q", name, err, reporttest.Brief(rep))
			}
		}
		if f, _ := report.Recognise([]byte(in)); f.Name != "junit" {
			t.Errorf("%s: recognised as %q", name, f.Name)
		}
	}
	rep := readJUnit(t, "<?xml version='1.0' encoding='ISO-8859-1'?><testsuite name='S'><testcase name='Gr\xf6\xdfe'/></testsuite>")
	if got := reporttest.Brief(rep); got != "S::Größe passed\n" {
		t.Errorf("ISO-8859-1: %q", got)
	}
}

// TestJUnitIsBounded feeds things that are large where nothing should be.
func TestJUnitIsBounded(t *testing.T) {
	many := func(s string, n int) io.Reader { return io.LimitReader(&repeater{s: s}, int64(n)) }
	const size = 9 << 20
	for name, in := range map[string]io.Reader{
		"output":     io.MultiReader(strings.NewReader("<testsuite name='S'><testcase name='t'><failure/><system-out>"), many("out\n", size), strings.NewReader("</system-out></testcase></testsuite>")),
		"failure":    io.MultiReader(strings.NewReader("<testsuite name='S'><testcase name='t'><failure>"), many("x&amp;é", size), strings.NewReader("</failure></testcase></testsuite>")),
		"attribute":  io.MultiReader(strings.NewReader("<testsuite name='S'><testcase name='t"), many("n", size), strings.NewReader("'/></testsuite>")),
		"attributes": io.MultiReader(strings.NewReader("<testsuite name='S'><testcase name='t'"), many(" a='b'", size/6*6), strings.NewReader("/></testsuite>")),
		"tag":        io.MultiReader(strings.NewReader("<testsuite name='S'><testcase name='t'><"), many("tag", size), strings.NewReader("/></testcase></testsuite>")),
		"comment":    io.MultiReader(strings.NewReader("<testsuite name='S'><testcase name='t'/><!--"), many("- ", size), strings.NewReader("--></testsuite>")),
		"depth":      io.MultiReader(strings.NewReader("<testsuite name='S'><testcase name='t'/>"), many("<a>", size/3*3), many("</a>", size/3*4), strings.NewReader("</testsuite>")),
	} {
		var rep ci.Report
		peak := peakHeap(func() { rep, _ = junit.Read(in) })
		if peak > 24<<20 {
			t.Errorf("%s: the heap grew to %d MiB", name, peak>>20)
		}
		if len(rep.Tests) != 1 {
			t.Errorf("%s: %d tests", name, len(rep.Tests))
			continue
		}
		if f := rep.Tests[0].Failure; f != nil && len(f.Details)+len(rep.Tests[0].Output) > 200<<10 {
			t.Errorf("%s: %d bytes of details", name, len(f.Details))
		}
	}
}

type repeater struct {
	s  string
	at int
}

func (r *repeater) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.s[r.at%len(r.s)]
		r.at++
	}
	return len(p), nil
}

func TestInheritedTestsKeepTheirNodeID(t *testing.T) {
	rep := readJUnit(t, `<testsuite name="pytest"><testcase classname="tests.test_child.TestChild" name="test_a" file="tests/base.py" line="3"/><testcase classname="test_foo.TestFoo" name="test_b" file="/home/ci/project/test_foo.py" line="1"/></testsuite>`)
	if got, want := reporttest.Brief(rep), "tests/test_child.py::TestChild::test_a passed\ntest_foo.py::TestFoo::test_b passed\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// printJUnit writes results as pytest-like JUnit XML.
func printJUnit(results []ci.TestResult) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "&#10;", "\t", "&#9;", "\r", "&#13;").Replace
	var b strings.Builder
	b.WriteString("<testsuites><testsuite name=\"S\">\n")
	for _, r := range results {
		class, name, _ := strings.Cut(string(r.ID), "::")
		fmt.Fprintf(&b, "<testcase classname=\"%s\" name=\"%s\" time=\"%.9f\">", escape(class), escape(name), r.Duration.Seconds())
		switch r.Outcome {
		case ci.Failed:
			fmt.Fprintf(&b, "<failure message=\"%s\">%s</failure>", escape(r.Failure.Message), escape(r.Failure.Details))
		case ci.Errored:
			fmt.Fprintf(&b, "<error message=\"%s\"><![CDATA[%s]]></error>", escape(r.Failure.Message), strings.ReplaceAll(r.Failure.Details, "]]>", "]]]]><![CDATA[>"))
		case ci.Skipped:
			fmt.Fprintf(&b, "<skipped message=\"%s\"/>", escape(r.Reason))
		default:
		}
		b.WriteString("</testcase>\n")
	}
	b.WriteString("</testsuite></testsuites>\n")
	return b.String()
}

// FuzzJUnit: nothing panics, what is kept is bounded, the answer does not depend
// on how the bytes arrive, and what was read can be written and read again.
func FuzzJUnit(f *testing.F) {
	for _, seed := range []string{
		"", "<testsuite", "<testsuite><testcase name='a'>", `<testsuites><testsuite name="pytest"><testcase classname="tests.test_x.TestA" name="test_b[1]" time="1,2.3"><failure message="E: x">E   b</failure></testcase></testsuite></testsuites>`,
		"\xff\xfe<\x00a\x00>\x00", "<!DOCTYPE a [<!ENTITY x 'y'>]><testsuite><testcase name='&x;&#0;'/></testsuite>",
		"<testsuite><testcase name='a'><flakyFailure/><rerunError/><skipped/></testcase></testsuite>",
		"<a:testsuite><b:testcase classname='c' b:name='d'/></a:testsuite>", "<testsuite><![CDATA[]]></testsuite>",
		`<testsuite name="S"><testcase classname="a" name="t"><error message="m">]]&gt;</error></testcase></testsuite>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rep, err := junit.Read(bytes.NewReader(data))
		again, err2 := junit.Read(iotest.HalfReader(bytes.NewReader(data)))
		if reporttest.Brief(rep) != reporttest.Brief(again) || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatalf("depends on how the bytes arrive: %v, %v\n%s\n%s", err, err2, reporttest.Brief(rep), reporttest.Brief(again))
		}
		kept := 0
		for _, r := range rep.Tests {
			kept += len(r.ID) + len(r.Output) + len(r.Reason)
			if r.Failure != nil {
				kept += len(r.Failure.Message) + len(r.Failure.Details)
			}
			if r.Outcome.Bad() != (r.Failure != nil) {
				t.Fatalf("%s is %s and its failure is %v", r.ID, r.Outcome, r.Failure)
			}
		}
		if kept > 40*len(data)+1024 {
			t.Fatalf("%d bytes kept of %d", kept, len(data))
		}
		if len(rep.Tests) == 0 {
			return
		}
		// Only what JUnit can hold: one class, one name, no attempts.
		var plain []ci.TestResult
		for i, r := range rep.Tests {
			r.ID = ci.TestID(fmt.Sprintf("c%d::%s", i, strings.ReplaceAll(string(r.ID), "::", ".")))
			if strings.HasSuffix(string(r.ID), "::") {
				continue
			}
			plain = append(plain, r)
		}
		printed := printJUnit(plain)
		back, err := junit.Read(strings.NewReader(printed))
		if err != nil || len(back.Tests) != len(plain) {
			t.Fatalf("%v: %d results of %d\n%s", err, len(back.Tests), len(plain), printed)
		}
		for i, r := range back.Tests {
			want := plain[i]
			if want.Outcome == ci.XFailed {
				want.Outcome = ci.Passed // the printer has no word for it
			}
			if r.ID != want.ID || r.Outcome != want.Outcome {
				t.Fatalf("%s %s, want %s %s\n%s", r.ID, r.Outcome, want.ID, want.Outcome, printed)
			}
		}
	})
}

// TestUnionOfPytestSources joins the two JUnit families that pytest wrote about
// one and the same run: nothing is counted twice, nothing is lost.
func TestUnionOfPytestSources(t *testing.T) {
	with := readJUnit(t, mustRead(t, "testdata/pytest-xunit1.xml"))
	without := readJUnit(t, mustRead(t, "testdata/pytest-xunit2.xml"))
	with.Format, without.Format = "junit", "junit"
	got := strings.Split(strings.TrimSpace(reporttest.Brief(report.Union([]ci.Report{without, with}))), "\n")
	want := strings.Split(strings.TrimSpace(pytestTruth), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPytestTracebackInJUnit: the text of a failure is a traceback as pytest
// prints it, with the exceptions before the last one and Windows' paths.
func TestPytestTracebackInJUnit(t *testing.T) {
	rep := readJUnit(t, `<testsuite name="pytest"><testcase classname="tests.test_pool" name="test_take"><failure message="RuntimeError: no page">
    def take():
&gt;       return pages[0]
E       IndexError: list index out of range

shop\pool.py:7: IndexError

The above exception was the direct cause of the following exception:

    def test_take():
&gt;       take()

tests\test_pool.py:4:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

    def take():
&gt;       raise RuntimeError("no page") from error
E       RuntimeError: no page

shop\pool.py:9: RuntimeError</failure></testcase></testsuite>`)
	f := rep.Tests[0].Failure
	var got strings.Builder
	for _, link := range f.Chain {
		fmt.Fprintf(&got, "%s: %s %v; ", link.Exception, link.Message, link.Frames)
	}
	fmt.Fprintf(&got, "%s: %s", f.Exception, f.Message)
	for _, frame := range f.Frames {
		fmt.Fprintf(&got, " %s %s", frame.Position, frame.Func)
	}
	const want = "IndexError: list index out of range [shop/pool.py:7]; RuntimeError: no page tests/test_pool.py:4 test_take shop/pool.py:9 take"
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
}
