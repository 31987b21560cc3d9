package triage_test

import (
	"strings"
	"testing"

	"keepgreen/internal/triage"
)

// TestExtractKnowsWhatToolsPrint: lines as the tools print them, each alone in
// the midst of a log, and the row that is to know it.
func TestExtractKnowsWhatToolsPrint(t *testing.T) {
	for line, row := range map[string]string{
		"FAIL [0.012s]: test_reuse (test_pool.TestPool)":                                                  "test failed",
		"ERROR: test_reuse (test_pool.TestPool)":                                                          "test failed",
		"[  FAILED  ] PoolTest.Reuse (3 ms)":                                                              "test failed",
		"src/pool_test.cc:12: Failure":                                                                    "test failed",
		"not ok 3 - pool is reused":                                                                       "test failed",
		"ImportError while loading conftest '/src/tests/conftest.py'.":                                    "runner of tests",
		"ERROR: file or directory not found: tests/test_gone.py":                                          "runner of tests",
		"CMake Error at CMakeLists.txt:12 (find_package):":                                                "configuration",
		"bash: line 3: gradle: command not found":                                                         "shell",
		"./build.sh: line 12: TOKEN: unbound variable":                                                    "shell",
		"/usr/bin/ld: pool.o: undefined reference to `reuse'":                                             "linker",
		"E: Unable to locate package libfoo-dev":                                                          "resolution",
		"CONFLICT (content): Merge conflict in src/pool.py":                                               "merge",
		"thread 'main' panicked at src/main.rs:2:5:":                                                      "panic",
		"==12==ERROR: AddressSanitizer: heap-use-after-free on address 0x60200":                           "sanitizer",
		"torch.AcceleratorError: CUDA error: device-side assert triggered":                                "exception",
		"fatal: unable to access 'https://git.example/x.git/': Could not resolve host":                    "network",
		"An error occurred (AccessDenied) when calling the GetObject operation":                           "service",
		"ERROR: failed to solve: process \"/bin/sh -c make\" did not complete successfully: exit code: 2": "service",
		"./run.sh: line 4:  1234 Killed                  python train.py":                                 "killed",
		"##[error]The hosted runner encountered an error while running your job.":                         "runner",
		"The upload of wheels failed.":                                                                    "failed marker",
		"The deployment of staging to eu-west-1 and of its workers failed.":                               "failed marker",
		"✗ 3 of 40 specs broke":                                                                           "failed marker",
	} {
		log := "setting up\n\n" + line + "\n\ndone\n"
		got := triage.Extract(logOf([]byte(log)), nil, triage.ExtractOptions{})
		if len(got) != 1 || got[0].Line != 3 || got[0].Rule != row {
			t.Errorf("%q: got %+v, want row %q", line, got, row)
		}
	}
	for _, line := range []string{
		"WARNING: the cache could not be read, error 3", "warning: unused variable `failed`", "src/a.cc:3:4: note: candidate failed: no match",
		"ERROR: pip's dependency resolver does not currently take into account all the packages", "[INFO] 0 errors",
	} {
		if got := triage.Extract(logOf([]byte("a\n"+line+"\n")), nil, triage.ExtractOptions{}); len(got) != 0 {
			t.Errorf("%q is taken for an error: %+v", line, got)
		}
	}
}

// TestExtractLooksIntoTheStepThatFailed: an error in a step that went well, and
// what breaks after the first failure, come after the cause.
func TestExtractLooksIntoTheStepThatFailed(t *testing.T) {
	log := strings.Join([]string{
		"##[group]Run make deps", "##[endgroup]", "ConnectionError: mirror 1 is away, taking mirror 2", // went well in the end
		"##[group]Run make check", "##[endgroup]", "checking", "the pool leaks 3 regions", "##[error]Process completed with exit code 1.",
		"##[group]Run actions/upload-artifact@v4", "##[error]No files were found with the provided path: out/. No artifacts will be uploaded.",
	}, "\n")
	got := triage.Extract(logOf([]byte(log)), nil, triage.ExtractOptions{})
	var rules []string
	for _, x := range got {
		rules = append(rules, x.Rule)
	}
	if want := "last words, annotation, exception"; strings.Join(rules, ", ") != want {
		t.Fatalf("got %v, want %s", rules, want)
	}
	if got[0].Text != "the pool leaks 3 regions" {
		t.Errorf("the step's last words are %q", got[0].Text)
	}
}
