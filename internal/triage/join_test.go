package triage_test

import (
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/triage"
)

func on(test string, f ci.Failure) ci.Failure {
	f.Test = ci.TestID(test)
	return f
}

var mine2 = []ci.Frame{frame("tests/test_b.py", 7, "test_b"), frame("src/kv/pool.py", 77, "evict")}

func TestWhatIsOneFailure(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b ci.Failure
		step string // how they were joined; empty: they must not be
	}{
		{"the same but for a number and an address", py("ValueError", "block 7 at 0x7f3a is not free"), on("t.py::b", py("ValueError", "block 12 at 0x8811 is not free")), "exact"},
		{"parameters of one test", on("tests/t.py::test_a[1]", py("AssertionError", "assert 1 == 2")), on("tests/t.py::test_a[2]", py("AssertionError", "assert 5 == 2\n +  where 5 = f(2)")), "cause"},
		{"one missing module in two files", py("ModuleNotFoundError", "No module named 'yaml'"), py("ModuleNotFoundError", "No module named 'yaml'", mine2...), "cause"},
		{
			"one undefined name, seen by a test and by ruff",
			py("NameError", "name 'Tracer' is not defined", frame("src/kv/pool.py", 9, "f")),
			ci.Failure{Kind: ci.KindLint, Tool: "ruff", Rule: "F821", Message: "Undefined name `Tracer`", Pos: ci.Position{File: "src/kv/pool.py", Line: 9}},
			"cause",
		},
		{"one missing fixture", ci.Failure{Kind: ci.KindError, Phase: "setup", Test: "a.py::x", Message: "fixture 'pool' not found\n> available fixtures: a"}, ci.Failure{Kind: ci.KindError, Phase: "setup", Test: "b.py::y", Message: "fixture 'pool' not found\n> available fixtures: b, c"}, "cause"},
		{"one host", py("ConnectionError", "HTTPSConnectionPool(host='api.example.com', port=443): Read timed out."), py("ConnectionError", "HTTPSConnectionPool(host='api.example.com', port=443): Max retries exceeded with url: /", mine2...), "cause"},
		{"one place, two messages", py("RuntimeError", "pool of rank one is broken"), py("RuntimeError", "the lease on it has ended"), "cause"},
		{
			"a long message with another ending",
			py("RuntimeError", "the eviction of a pinned block was refused because its reference count has not dropped yet (worker red)"),
			py("RuntimeError", "the eviction of a pinned block was refused because its reference count has not dropped yet (worker blue)", mine2...), "near",
		},
		{
			"a message that was cut",
			py("RuntimeError", "the eviction of a pinned block was refused because its reference count has not dropped yet"),
			func() ci.Failure {
				f := py("RuntimeError", "the eviction of a pinned block was refused be...", mine2...)
				f.Cut = true
				return f
			}(), "near",
		},
		{"one Go symbol in two files of a package", building("go build", "undefined: newPool", ci.Position{File: "pool/a.go", Line: 1}), building("go build", "undefined: newPool", ci.Position{File: "pool/b.go", Line: 9}), "cause"},

		{"two missing modules", py("ModuleNotFoundError", "No module named 'yaml'"), py("ModuleNotFoundError", "No module named 'toml'"), ""},
		{"two names", py("NameError", "name 'Tracer' is not defined"), py("NameError", "name 'Tracker' is not defined"), ""},
		{"one name in two files", py("NameError", "name 'Tracer' is not defined"), py("NameError", "name 'Tracer' is not defined", frame("src/other.py", 3, "g")), ""},
		{"two keys", py("KeyError", "'block_id'"), py("KeyError", "'block_ids'"), ""},
		{"two attributes", py("AttributeError", "'Pool' object has no attribute 'evict'"), py("AttributeError", "'Pool' object has no attribute 'evicts'"), ""},
		{"two assertions in two tests", py("AssertionError", "assert 3 == 4", frame("tests/a.py", 3, "test_a")), on("t.py::b", py("AssertionError", "assert 3 == 4", frame("tests/b.py", 3, "test_b"))), ""},
		{"two assertions of one helper", on("t.py::a", py("AssertionError", "pool leaks blocks", frame("tests/helpers.py", 3, "check"))), on("t.py::b", py("AssertionError", "tracer lost spans", frame("tests/helpers.py", 3, "check"))), ""},
		{"two exceptions with short messages", py("ValueError", "bad size"), py("ValueError", "bad name", mine2...), ""},
		{"two hosts", py("ConnectionError", "HTTPSConnectionPool(host='a.example.com', port=443): Read timed out."), py("ConnectionError", "HTTPSConnectionPool(host='b.example.com', port=443): Read timed out.", mine2...), ""},
		{"two rules", ci.Failure{Kind: ci.KindLint, Tool: "ruff", Rule: "F401", Message: "`os` imported but unused"}, ci.Failure{Kind: ci.KindLint, Tool: "ruff", Rule: "F841", Message: "`os` imported but unused"}, ""},
		{"a test and a build", py("RuntimeError", "no"), building("go build", "undefined: no", ci.Position{}), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clusters := triage.Clusters([]ci.Failure{tt.a, tt.b}, triage.Options{})
			if tt.step == "" {
				if len(clusters) != 2 {
					t.Fatalf("joined: %+v", clusters[0].Joined)
				}
				return
			}
			if len(clusters) != 1 {
				t.Fatalf("not joined: %q and %q", clusters[0].Cause.Sentence, clusters[1].Cause.Sentence)
			}
			joined := clusters[0].Joined
			if len(joined) == 0 || joined[len(joined)-1].Step != tt.step {
				t.Errorf("joined by %+v, want step %q", joined, tt.step)
			}
			if clusters[0].Splits == "" {
				t.Error("nothing says what would split them")
			}
		})
	}
}

func TestWhatFollowsFromTheMachine(t *testing.T) {
	disk := ci.Failure{Kind: ci.KindInfra, Message: "[ERROR] No space left on device", Log: ci.Position{File: "a.log", Line: 9}}
	vague := ci.Failure{Kind: ci.KindBuild, Message: "Error creating output directory", Log: ci.Position{File: "a.log", Line: 12}, Signal: 0.7, Rank: 2}
	other := vague
	other.Log.File, other.Message = "b.log", "the artefact was never written"
	compiler := building("gcc", "error: expected ';'", ci.Position{File: "a.c", Line: 3})
	compiler.Log = ci.Position{File: "a.log", Line: 3}
	clusters := triage.Clusters([]ci.Failure{vague, disk, other, compiler}, triage.Options{})
	if len(clusters) != 3 {
		t.Fatalf("%d clusters, want the disk with what follows, the other log, the compiler", len(clusters))
	}
	for _, c := range clusters {
		if disk := c.Cause.Class == ci.ClassResource; disk != (len(c.Members) == 2) {
			t.Errorf("%s has %d members", c.Cause.Class, len(c.Members))
		}
	}
	if last := clusters[2]; last.Members[0].Log.File != "b.log" {
		t.Errorf("last comes %q, want the line that explains nothing", last.Cause.Sentence)
	}
}

func TestIDsStayFromRunToRun(t *testing.T) {
	first := triage.Clusters([]ci.Failure{py("ModuleNotFoundError", "No module named 'yaml'")}, triage.Options{})[0]
	known := []triage.Known{{ID: "k1-of-old", Fingerprints: triage.Fingerprints(first, nil)}}
	again := triage.Clusters([]ci.Failure{
		py("ModuleNotFoundError", "No module named 'yaml'"),
		py("ModuleNotFoundError", "No module named 'yaml'", mine2...),
		py("ValueError", "bad size"),
	}, triage.Options{Known: known})
	if len(again) != 2 {
		t.Fatalf("%d clusters, want 2", len(again))
	}
	for _, c := range again {
		if old := c.Cause.Class == ci.ClassImport; old != (c.ID == "k1-of-old") {
			t.Errorf("%s has ID %s", c.Cause.Class, c.ID)
		}
		if c.Cause.Class == ci.ClassValue && !strings.HasPrefix(c.ID, triage.Algorithm+"-") {
			t.Errorf("ID %s does not name its algorithm", c.ID)
		}
	}
}

func TestFingerprintSurvivesMasking(t *testing.T) {
	for _, s := range spoken {
		masked := s.f
		masked.Message = triage.Mask(s.f.Message)
		if a, b := triage.Fingerprint(s.f, nil), triage.Fingerprint(masked, nil); a != b {
			t.Errorf("%s: %s became %s", s.name, a, b)
		}
	}
}

func TestWhatFailedTogetherBefore(t *testing.T) {
	a := on("t.py::a", py("EvictionError", "left", frame("src/a.py", 1, "a")))
	b := on("t.py::b", py("EvictionError", "right", frame("src/b.py", 2, "b")))
	together := func(x, y ci.TestID) float64 { return 0.9 }
	if n := len(triage.Clusters([]ci.Failure{a, b}, triage.Options{CoFailed: together})); n != 1 {
		t.Errorf("%d clusters of tests that always fail together, want 1", n)
	}
	apart := func(x, y ci.TestID) float64 { return 0.5 }
	if n := len(triage.Clusters([]ci.Failure{a, b}, triage.Options{CoFailed: apart})); n != 2 {
		t.Errorf("%d clusters of tests that fail together half of the time, want 2", n)
	}
}

func TestIsItMine(t *testing.T) {
	change := &ci.Change{Files: []ci.FileChange{{Path: "src/kv/pool.py", Status: "M", Added: []ci.LineRange{{First: 38, Last: 42}}}, {Path: "src/kv/old.py", Status: "D"}}}
	elsewhere := &ci.Change{Files: []ci.FileChange{{Path: "README.md", Status: "M"}}}
	always := func(ci.TestID) bool { return true }
	for _, tt := range []struct {
		name     string
		f        ci.Failure
		opt      triage.Options
		want     ci.Whose
		evidence string
	}{
		{"nothing is known", py("ValueError", "x"), triage.Options{}, ci.WhoseUnknown, "neither main's history nor the diff"},
		{"a frame on a line of the change", py("ValueError", "x"), triage.Options{Change: change}, ci.WhoseNew, "src/kv/pool.py:40 is a line of the change"},
		{"the change deletes the module", py("ModuleNotFoundError", "No module named 'kv.old'", frame("tests/t.py", 1, "")), triage.Options{Change: change}, ci.WhoseNew, "the change deletes src/kv/old.py"},
		{"a change elsewhere says nothing", py("ValueError", "x"), triage.Options{Change: elsewhere}, ci.WhoseUnknown, ""},
		{"covered by the test", py("ValueError", "x"), triage.Options{Change: elsewhere, Covers: func(_ ci.TestID, file ci.FileChange) bool { return file.Path == "README.md" }}, ci.WhoseNew, "runs lines of README.md"},
		{"main fails the same way", py("ValueError", "x"), triage.Options{Change: change, FailingOnMain: func(string, ci.TestID) (string, bool) { return "run-41", true }}, ci.WhoseMain, "since run-41"},
		{"passed on main", py("ValueError", "x"), triage.Options{PassedOnMain: func(ci.TestID) (string, bool) { return "run-42", true }}, ci.WhoseNew, "passed on main in run-42"},
		{"known to flake", py("ValueError", "x"), triage.Options{Flaky: always}, ci.WhoseFlaky, "pass and fail on the same code"},
		{"known to flake, but the change touches it", py("ValueError", "x"), triage.Options{Flaky: always, Change: change}, ci.WhoseNew, "the change touches"},
		{"a remote host", py("ConnectionError", "HTTPSConnectionPool(host='api.example.com', port=443): Read timed out."), triage.Options{}, ci.WhoseInfra, "outside of the code"},
		{"a service of the test's own", py("ConnectionError", "HTTPConnectionPool(host='localhost', port=1): connection refused"), triage.Options{}, ci.WhoseUnknown, ""},
		{"the runner", ci.Failure{Kind: ci.KindInfra, Message: "The operation was canceled."}, triage.Options{}, ci.WhoseInfra, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := triage.Clusters([]ci.Failure{tt.f}, tt.opt)[0]
			if c.Whose != tt.want {
				t.Errorf("whose: %s, want %s (%+v)", c.Whose, tt.want, c.Evidence)
			}
			if tt.want == ci.WhoseMain && c.Since != "run-41" {
				t.Errorf("since %q", c.Since)
			}
			if !slices.ContainsFunc(c.Evidence, func(e ci.Evidence) bool { return strings.Contains(e.Detail, tt.evidence) }) {
				t.Errorf("no evidence says %q: %+v", tt.evidence, c.Evidence)
			}
		})
	}
}

func TestConfidenceFollowsItsFeatures(t *testing.T) {
	typed := triage.Clusters([]ci.Failure{py("ModuleNotFoundError", "No module named 'yaml'")}, triage.Options{})[0]
	unknown := triage.Clusters([]ci.Failure{{Kind: ci.KindTest, Message: "the moon"}}, triage.Options{})[0]
	cut := py("RuntimeError", "pool is bro...")
	cut.Cut = true
	shortened := triage.Clusters([]ci.Failure{cut}, triage.Options{})[0]
	whole := triage.Clusters([]ci.Failure{py("RuntimeError", "pool is broken")}, triage.Options{})[0]
	if typed.Confidence <= 0.9 || unknown.Confidence >= 0.5 || shortened.Confidence >= whole.Confidence || unknown.Confidence >= whole.Confidence {
		t.Errorf("typed %.2f, unknown %.2f, cut %.2f, whole %.2f", typed.Confidence, unknown.Confidence, shortened.Confidence, whole.Confidence)
	}
	if got, want := len(triage.Features(typed, 1)), len(triage.FeatureNames()); got != want {
		t.Errorf("%d features, %d names", got, want)
	}
	weighed := 0
	for _, e := range typed.Evidence {
		if e.Weight != 0 {
			weighed++
		}
	}
	if weighed < 3 {
		t.Errorf("the confidence rests on %d weights: %+v", weighed, typed.Evidence)
	}
}

func TestMostTellingComesFirst(t *testing.T) {
	failures := []ci.Failure{
		{Kind: ci.KindLint, Tool: "ruff", Rule: "F401", Message: "`os` imported but unused"},
		py("ValueError", "x"),
		{Kind: ci.KindError, Phase: "collect", Test: "tests/t.py", Exception: "SyntaxError", Message: "invalid syntax"},
		building("go build", "undefined: newPool", ci.Position{File: "pool/a.go", Line: 1}),
		{Kind: ci.KindType, Tool: "mypy", Rule: "arg-type", Message: "m"},
	}
	var kinds []ci.Kind
	for _, c := range triage.Clusters(failures, triage.Options{}) {
		kinds = append(kinds, c.Kind)
	}
	want := []ci.Kind{ci.KindBuild, ci.KindError, ci.KindTest, ci.KindType, ci.KindLint}
	if !slices.Equal(kinds, want) {
		t.Errorf("order %v, want %v", kinds, want)
	}
}

func TestClustersNeverLoseAFailure(t *testing.T) {
	var all []ci.Failure
	for _, s := range spoken {
		all = append(all, s.f)
	}
	n := 0
	ids := map[string]bool{}
	for _, c := range triage.Clusters(all, triage.Options{}) {
		n += len(c.Members)
		if ids[c.ID] {
			t.Errorf("ID %s twice", c.ID)
		}
		ids[c.ID] = true
	}
	if n != len(all) {
		t.Errorf("%d failures in, %d out", len(all), n)
	}
}

// FuzzClusters: the order of the input changes nothing, nothing is lost, and
// hostile text does no harm.
func FuzzClusters(f *testing.F) {
	for i, s := range spoken {
		f.Add(s.f.Exception, s.f.Message, spoken[(i*7+3)%len(spoken)].f.Message, int64(i))
	}
	f.Fuzz(func(t *testing.T, exception, a, b string, seed int64) {
		var failures []ci.Failure
		r := rand.New(rand.NewSource(seed))
		for i := range 12 {
			g := ci.Failure{Kind: []ci.Kind{ci.KindTest, ci.KindError, ci.KindBuild, ci.KindLint}[r.Intn(4)], Message: a, Test: ci.TestID(fmt.Sprintf("t.py::t[%d]", i))}
			if r.Intn(2) == 0 {
				g.Message = b
			}
			switch r.Intn(3) {
			case 0:
				g.Exception = exception
				g.Frames = []ci.Frame{frame("src/a.py", r.Intn(3), "f")}
			case 1:
				g.Cut = true
			}
			failures = append(failures, g)
		}
		opt := triage.Options{CoFailed: func(a, b ci.TestID) float64 { return float64(len(a)+len(b)) / 30 }}
		want := triage.Clusters(slices.Clone(failures), opt)
		n := 0
		for _, c := range want {
			n += len(c.Members)
			if c.Confidence < 0 || c.Confidence > 1 || c.Cause.Sentence == "" || c.Cause.Class == "" || c.Whose == "" {
				t.Errorf("half a cluster: %+v", c)
			}
		}
		if n != len(failures) {
			t.Errorf("%d failures in, %d out", len(failures), n)
		}
		r.Shuffle(len(failures), func(i, j int) { failures[i], failures[j] = failures[j], failures[i] })
		if got := triage.Clusters(failures, opt); !reflect.DeepEqual(got, want) {
			t.Errorf("order changes the result:\n got %+v\nwant %+v", got, want)
		}
		triage.Summary(want)
	})
}

// A cluster that joined several fingerprints is known again by any of them.
func TestAJoinedClusterIsKnownByEachOfItsFingerprints(t *testing.T) {
	missing := func(file string) ci.Failure {
		return ci.Failure{Kind: ci.KindError, Tool: "pytest", Test: ci.TestID(file), Phase: "collect", Exception: "ModuleNotFoundError", Message: "No module named 'yaml'", Frames: []ci.Frame{frame(file, 1, "<module>")}}
	}
	first := triage.Clusters([]ci.Failure{missing("tests/test_a.py"), missing("tests/test_b.py")}, triage.Options{})
	if len(first) != 1 || len(first[0].Fingerprints) != 2 {
		t.Fatalf("want one cluster with two fingerprints, got %+v", first)
	}
	known := []triage.Known{{ID: first[0].ID, Fingerprints: first[0].Fingerprints}}
	for _, file := range []string{"tests/test_a.py", "tests/test_b.py"} {
		again := triage.Clusters([]ci.Failure{missing(file)}, triage.Options{Known: known})
		if again[0].ID != first[0].ID {
			t.Errorf("%s alone is %s, want the earlier %s", file, again[0].ID, first[0].ID)
		}
	}
}
