package triage

import "keepgreen/internal/ci"

// extractRules is the vocabulary of failure: what runners, compilers, package
// managers, shells and services print by their own documentation and source when
// they give up. At most 64 rows, which are the bits of one word.
var extractRules = []extractRule{
	{name: "noise", score: -1, literals: []string{"process completed with exit code", "a task was canceled", "finished: failure", "marked build as failure", "notifying endpoint", " 0 failed", " 0 errors", " 0 error(s)", "no errors", "continue-on-error", "continue_on_error", "continue-through-error", "-werror", "ignore_errors", "error_log", "if-no-files-found", "fail_ci_if_error", "on_failure", "pip's dependency resolver does not"}},
	{name: "wrapper", score: 10, kind: ci.KindBuild, last: true, literals: []string{"custom container implementation", "step script exited", "script/workflow error"}},
	{name: "exit code", score: 12, kind: ci.KindBuild, last: true, literals: []string{"exit code", "exited with", "exit status", "non-zero", "nonzero", "returned error", "script exited", "failed with error"}},
	{name: "failed word", score: 22, last: true, literals: []string{"fail", "error", "cannot", "could not", "couldn't", "unable to", "unexpected", "denied", "refus", "missing", "invalid", "not found", "does not exist", "no such", "exceed", "abort"}},

	// What fails after the failure: uploads of logs and numbers that nobody waits for.
	{name: "aftermath", score: 24, kind: ci.KindInfra, last: true, literals: []string{"failed to upload", "error uploading", "upload failed", "unable to upload", "failed to save cache", "failed to save: ", "failed to report", "failed to send"}},

	// What is said in prose.
	{name: "sentence of refusal", score: 45, kind: ci.KindBuild, last: true, literals: []string{"refusing to", "more than the", "exceeds the", "is not allowed", "must be ", "out of sync", "does not have", "not supported", "not up to date", "not up-to-date", "out of date", "please regenerate", "please run ", "incompatible change", "incompatible with", "breaking change", "is required but", "uncommitted changes", "would have been modified"}, check: startsSentence},
	{name: "build result", score: 36, kind: ci.KindBuild, literals: []string{"build failed", "build failure", "failed to build", "error building", "subcommand failed", "did not complete successfully", "compilation terminated", "aborting due to"}},
	{name: "does not exist", score: 44, kind: ci.KindBuild, literals: []string{"does not exist", "no such file or directory", "command not found", "not recognized as", "the system cannot find", "no such target", "no such package"}},
	{name: "error word", score: 48, kind: ci.KindBuild, literals: []string{"error"}, check: hasErrorWord},
	{name: "failed marker", score: 56, kind: ci.KindBuild, literals: []string{"failed", "failure", "fail:", " failed!", "✗", "✖", "❌", "✘"}, check: isFailedMarker},
	{name: "lint finding", score: 58, kind: ci.KindLint, literals: []string{">>> lint for ", "would reformat ", "would be reformatted", "files were modified by this hook", "is not formatted", "not properly formatted", "run prettier"}},
	{name: "cancelled", score: 62, kind: ci.KindInfra, last: true, literals: []string{"the operation was canceled", "the operation was cancelled", "received sigint", "keyboardinterrupt", "received sigterm", "the job was canceled"}},
	{name: "error level", score: 70, kind: ci.KindBuild, literals: []string{"[error]", "error:", "fatal:", "error ", "severe", "fatal ", "npm err!", "critical"}, check: isErrorLevel},
	{name: "annotation", score: 74, kind: ci.KindBuild, apart: true, literals: []string{"##[error]", "::error"}, check: isAnnotation},

	// Tests.
	{name: "traceback", score: 32, kind: ci.KindError, trace: true, literals: []string{"traceback (most recent call last)", "stack trace:"}},
	{name: "heading", score: 79, kind: ci.KindTest, literals: []string{"____ "}, check: isHeading},
	{name: "test failed", score: 80, kind: ci.KindTest, literals: []string{"failed ", "fail:", "fail [", "error [", "error: test", "error at setup of", "error collecting", "failed consistently", "  failed  ]", "***failed", "***exception", "not ok ", ": failure", "unexpected success", "xpass(strict)"}, check: isTestFailure},
	{name: "runner of tests", score: 81, kind: ci.KindError, literals: []string{"importerror while loading conftest", "internalerror>", "file or directory not found", "error: usage:", "crashed while running", "node down: not properly terminated", "test run was aborted", "test suite failed to run", "no tests found", "no tests ran"}},
	{name: "exception about a command", score: 76, kind: ci.KindError, last: true, literals: []string{"error", "exception", "exit"}, check: isExceptionLine},
	{name: "exception", score: 82, kind: ci.KindError, last: true, literals: []string{"error", "exception", "exit", "interrupt", "timeout"}, check: isCause},
	{name: "panic", score: 88, kind: ci.KindTest, trace: true, literals: []string{"panic: ", "fatal error: ", "fatal python error", "' panicked at "}},

	// Builds.
	{name: "failed target", score: 83, kind: ci.KindBuild, apart: true, literals: []string{"failed: ", "*** [", "failed building wheel", "execution failed for task", "could not build wheels", "failed to execute goal"}, check: isFailedTarget},
	{name: "configuration", score: 81, kind: ci.KindBuild, literals: []string{"cmake error", "configure: error", "error in configuration", "invalid configuration", "unrecognized arguments", "unknown option", "no such option", "invalid choice", "warning, treated as error"}},
	{name: "shell", score: 78, kind: ci.KindBuild, literals: []string{"command not found", "no such file or directory", "permission denied", "unbound variable", "syntax error", "bad substitution", "exec format error", "cannot execute", "not recognized as an internal"}, check: isShellError},
	{name: "linker", score: 87, kind: ci.KindBuild, literals: []string{"undefined reference to", "undefined symbol", "unresolved external symbol", "cannot find -l", "duplicate symbol", "multiple definition of"}},
	{name: "compiler", score: 88, kind: ci.KindBuild, literals: []string{"error"}, check: isCompilerError},
	{name: "resolution", score: 86, kind: ci.KindBuild, literals: []string{"no matching distribution found", "could not find a version that satisfies", "resolutionimpossible", "eresolve", "no required module provides", "no solution found when resolving", "unsatisfiableerror", "packagesnotfounderror", "resolvepackagenotfound", "unable to locate package", "do not match the hashes", "could not resolve all", "could not resolve dependencies", "failed to select a version", "missing go.sum entry", "version solving failed"}},
	{name: "merge", score: 81, kind: ci.KindBuild, literals: []string{"conflict (", "automatic merge failed", "could not apply ", "patch does not apply", "patch failed:", "merge conflict in"}},

	// The process.
	{name: "crash", score: 87, kind: ci.KindError, literals: []string{"segmentation fault", "received signal", "core dumped", "sigsegv", "sigabrt", "sigbus", "stack smashing", "bus error", "illegal instruction", "double free or corruption", "free(): invalid", "malloc(): ", "terminate called after", "access violation", "0xc0000005", "stack overflow"}},
	{name: "sanitizer", score: 90, kind: ci.KindError, literals: []string{"addresssanitizer:", "threadsanitizer:", "memorysanitizer:", "undefinedbehaviorsanitizer:", "leaksanitizer:", "warning: data race"}},
	{name: "accelerator", score: 81, kind: ci.KindError, literals: []string{"cuda error", "hip error", "nccl error", "cudnn error", "nvidia-smi has failed", "initialize nvml", "unable to determine the device handle", "gpus are available", "device-side assert"}},

	// The machine and what it talks to.
	{name: "job timeout", score: 94, kind: ci.KindInfra, literals: []string{"has timed out after", "has exceeded the maximum execution time"}, check: isAnnotation},
	{name: "timeout", score: 88, kind: ci.KindInfra, literals: []string{"timed out after", "exceeded the maximum execution time", "command took >", "test timed out", "command timed out", "no output has been received", "failed: timeout", "timeout >", "***timeout"}},
	{name: "network", score: 84, kind: ci.KindInfra, literals: []string{"could not resolve host", "connection refused", "connection timed out", "temporary failure in name resolution", "tls handshake timeout", "no such host", "error while fetching", "returned error: 5"}},
	// These are often tried again with success, so an exception says more.
	{name: "network, perhaps", score: 79, kind: ci.KindInfra, literals: []string{"connection reset by peer", "remote end closed connection", "read timed out", "max retries exceeded", "certificate verify failed", "http error 5", "http error 429", "502 bad gateway", "503 service unavailable", "504 gateway", "429 too many requests", "unexpected http response", "failed to fetch", "hash sum mismatch", "curl: (", "condahttperror", "network is unreachable", "i/o timeout", "deadline exceeded"}},
	{name: "repository", score: 80, kind: ci.KindInfra, literals: []string{"fatal: unable to access", "could not read from remote repository", "rpc failed", "early eof", "remote end hung up", "reference is not a tree", "not our ref", "did not match any file(s) known to git", "remote: repository not found", "unable to checkout", "clone of "}, check: isRepositoryError},
	{name: "service", score: 89, kind: ci.KindInfra, literals: []string{"rate limit exceeded", "could not load credentials", "is not authorized to perform", "error response from daemon", "failed to download archive", "unable to download artifact", "couldn't find remote ref", "authentication failed", "toomanyrequests", "bad credentials", "resource not accessible by integration", "an error occurred (", "manifest unknown", "pull access denied", "failed to solve", "unable to find any artifacts", "no basic auth credentials", "cannot connect to the docker daemon", "unauthorized: "}, check: isServiceError},
	{name: "memory", score: 90, kind: ci.KindInfra, literals: []string{"out of memory", "outofmemory", "oomkilled", "cannot allocate memory", "std::bad_alloc", "memoryerror", "out of heap space", "unable to allocate", "virtual memory exhausted", "oom-kill", "killed process"}},
	{name: "killed", score: 90, kind: ci.KindInfra, literals: []string{"killed"}, check: isKilled},
	{name: "disk", score: 92, kind: ci.KindInfra, literals: []string{"no space left on device", "disk quota exceeded", "not enough space on the disk", "enospc"}},
	{name: "runner", score: 95, kind: ci.KindInfra, literals: []string{"the runner has received a shutdown signal", "lost communication with the server", "pod failed to come online", "job was not acquired by runner", "hosted runner encountered an error"}},
}
