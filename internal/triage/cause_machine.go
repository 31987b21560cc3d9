package triage

import (
	"strings"

	"keepgreen/internal/ci"
)

// machineRules read what happens to a run rather than in it. They are tried
// first and only on the message, never on the details: a log that mentions a
// timeout has not timed out.
var machineRules = []CauseRule{
	{"runner-lost", "the runner shut down, lost its connection, or the job was cancelled", runnerLost},
	{"service", "rate limits, credentials, registries and daemons around the run", service},
	{"memory", "killed for memory: MemoryError, exit 137, CUDA, heap out of memory", memory},
	{"resource", "disk full, too many open files, address in use", resource},
	{"crash", "segmentation faults, lost workers, internal errors of the runner", crash},
	{"timeout", "time limits of pytest-timeout, go test, Jest, jobs and commands", timeout},
}

func runnerLost(f ci.Failure) (ci.Cause, bool) {
	if isCode(f) && f.Kind != ci.KindInfra && f.Exception != "KeyboardInterrupt" {
		return no()
	}
	text := found(f.Message, "The runner has received a shutdown signal", "The operation was canceled", "The operation was cancelled", "lost communication with the server",
		"received SIGINT", "The hosted runner encountered an error", "The self-hosted runner lost", "pod failed to come online", "No runner matching")
	if f.Exception == "KeyboardInterrupt" {
		return yes(ci.ClassInfra, "the run was interrupted"+at(f), "Run it again; no code is to blame, unless it hung there.")
	}
	if text == "" {
		return no()
	}
	if strings.Contains(text, "cancel") || strings.Contains(text, "SIGINT") {
		return yes(ci.ClassInfra, "the job was cancelled before it could finish", "Run it again; no code is to blame.")
	}
	return yes(ci.ClassInfra, "the runner went away: "+f.Headline(), "Run it again; no code is to blame.")
}

func service(f ci.Failure) (ci.Cause, bool) {
	if isCode(f) && f.Kind != ci.KindInfra {
		return no()
	}
	m := f.Message
	switch {
	case found(m, "rate limit exceeded", "toomanyrequests", "Too Many Requests", "429 Client Error") != "":
		return yes(ci.ClassInfra, "a service refuses further requests for now: "+f.Headline(), "Run it again later, with a token or a cache.")
	case found(m, "Could not load credentials", "is not authorized to perform", "Bad credentials", "authentication required", "denied: permission", "Permission denied (publickey)") != "":
		return ci.Cause{Class: ci.ClassPermission, Sentence: "credentials are missing or refused: " + f.Headline(), Next: "Check the job's secrets and permissions."}, true
	case found(m, "couldn't find remote ref", "unable to access 'http", "RPC failed", "early EOF") != "":
		return yes(ci.ClassInfra, "git could not fetch what the job needs: "+f.Headline(), "Check that the ref still exists, then run it again.")
	case found(m, "Error response from daemon", "Cannot connect to the Docker daemon", "manifest unknown") != "":
		return yes(ci.ClassInfra, "Docker could not do its part: "+f.Headline(), "Check the image's name and the registry.")
	case found(m, "Failed to download archive", "Unable to download artifact", "Artifact not found", "Unable to find any artifacts", "Failed to download action") != "":
		return yes(ci.ClassInfra, "something the job needs could not be downloaded: "+f.Headline(), "Check that the step that makes it has run, then run it again.")
	}
	return no()
}

func memory(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	text := found(m, "CUDA out of memory", "JavaScript heap out of memory", "Cannot allocate memory", "java.lang.OutOfMemoryError", "OutOfMemoryError", "exit code 137", "OOMKilled", "Out of memory: Kill", "runtime: out of memory")
	if text == "" && !oneOf(f.Exception, "MemoryError", "OutOfMemoryError") && !strings.Contains(m, "signal: killed") {
		return no()
	}
	if f.Exception == "AssertionError" {
		return no()
	}
	symbol := ""
	if strings.Contains(m, "CUDA") {
		symbol = "GPU"
	}
	return ci.Cause{
		Class: ci.ClassMemory, Symbol: symbol,
		Sentence: sprintf("memory ran out%s: %s", at(f), f.Headline()), Next: "Make the input smaller, run fewer workers at once, or take a larger machine.",
	}, true
}

func resource(f ci.Failure) (ci.Cause, bool) {
	for _, r := range []struct{ text, symbol, sentence, next string }{
		{"No space left on device", "disk", "the disk is full", "Free space before the step, or take a larger machine."},
		{"no space left on device", "disk", "the disk is full", "Free space before the step, or take a larger machine."},
		{"ENOSPC", "disk", "the disk is full", "Free space before the step, or take a larger machine."},
		{"Disk quota exceeded", "disk", "the disk quota is used up", "Free space before the step."},
		{"Too many open files", "files", "too many files are open", "Look for files and sockets that are never closed."},
		{"too many open files", "files", "too many files are open", "Look for files and sockets that are never closed."},
		{"EMFILE", "files", "too many files are open", "Look for files and sockets that are never closed."},
		{"ddress already in use", "port", "a port is already in use", "Let the system choose the port (port 0), and close the server after the test."},
		{"EADDRINUSE", "port", "a port is already in use", "Let the system choose the port (port 0), and close the server after the test."},
		{"Resource temporarily unavailable", "processes", "the system has no more processes or threads to give", "Run fewer workers at once."},
	} {
		if strings.Contains(f.Message, r.text) && f.Exception != "AssertionError" {
			return ci.Cause{Class: ci.ClassResource, Symbol: r.symbol, Sentence: r.sentence + at(f), Next: r.next}, true
		}
	}
	return no()
}

func crash(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	if f.Exception == "AssertionError" {
		return no()
	}
	signal := found(m, "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "Segmentation fault", "segmentation fault", "core dumped", "Fatal Python error", "exit code 139", "exit code 134", "Bus error", "signal 11")
	switch {
	case signal != "" && f.Exception != "panic" && !strings.HasPrefix(m, "panic: "):
		return ci.Cause{Class: ci.ClassCrash, Type: signal, Sentence: sprintf("the process crashed (%s)%s", signal, during(f)), Next: "Run that test alone under faulthandler or a debugger."}, true
	case strings.Contains(m, "crashed while running") || strings.Contains(m, "node down") || strings.Contains(m, "Not properly terminated"):
		return ci.Cause{Class: ci.ClassCrash, Type: "worker", Sentence: "a test worker died" + during(f), Next: "Run that test alone (-p no:xdist) to see what kills it."}, true
	case strings.Contains(m, "INTERNALERROR") || strings.Contains(m, "worker process has failed to exit") || strings.Contains(m, "Jest worker encountered"):
		return ci.Cause{Class: ci.ClassCrash, Type: "runner", Sentence: "the test runner itself broke: " + headline(f), Next: "Look for a plugin or conftest.py in the trace."}, true
	}
	return no()
}

// during is " while running TEST" where the message or the failure names it.
func during(f ci.Failure) string {
	if test, ok := between(f.Message, "crashed while running '", "'"); ok {
		return " while running " + test
	}
	if f.Test != "" {
		return " while running " + string(f.Test)
	}
	return at(f)
}

func timeout(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	text := found(m, "from pytest-timeout", "Timeout >", "Exceeded timeout of", "exceeded timeout of", "Test timed out in", "Test timeout of", "test timed out after", "has timed out after", "timed out after",
		"exceeded the maximum execution time", "context deadline exceeded", "Command took >", "TimeoutExpired", "Timed out waiting", "timeout of ", "Timeout of ", "Timeout 30000ms exceeded", "terminated or timed out")
	if text == "" && !oneOf(f.Exception, "TimeoutError", "TimeoutExpired", "Timeout") {
		return no()
	}
	if f.Exception == "AssertionError" || found(m, "connect", "HTTPSConnectionPool", "HTTPConnectionPool", "dial tcp", "i/o timeout") != "" && !strings.Contains(m, "test timed out") {
		return no() // the network's business
	}
	return ci.Cause{
		Class: ci.ClassTimeout, Sentence: sprintf("%s ran into its time limit%s: %s", or(string(f.Test), "a command"), at(f), f.Headline()),
		Next: "See in the last output what it waited for; raise the limit only if the work is really that long.",
	}, true
}

// networkRules come after the languages' own: a NameError in a test about
// connections is not a network failure.
var networkRules = []CauseRule{
	{"network", "hosts that cannot be resolved or reached, broken TLS, gateways", network},
}

func network(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	if f.Exception == "AssertionError" || f.Rule != "" {
		return no()
	}
	text := found(m, "Max retries exceeded", "Name or service not known", "Temporary failure in name resolution", "nodename nor servname", "getaddrinfo ENOTFOUND", "getaddrinfo EAI_AGAIN",
		"ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "no such host", "connection refused", "Connection refused", "Connection reset", "connection reset by peer", "i/o timeout", "Could not resolve host",
		"TLS handshake timeout", "SSLError", "CERTIFICATE_VERIFY_FAILED", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway", "Failed to connect", "network is unreachable", "Network is unreachable",
		"Remote end closed connection", "unexpected EOF while reading", "Read timed out", "RemoteDisconnected", "fetch failed", "couldn't connect to", "could not connect to server", "Error while fetching", "Failed to fetch")
	if text == "" && !oneOf(f.Exception, "ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "gaierror", "SSLError", "ConnectTimeout", "ReadTimeout", "URLError", "ConnectError") {
		return no()
	}
	host := hostIn(m)
	cause := ci.Cause{Class: ci.ClassNetwork, Host: host, Next: "Run it again; if it stays, let the tests not depend on that host."}
	switch {
	case host == "":
		cause.Sentence = sprintf("the network failed%s: %s", at(f), f.Headline())
	case local(host):
		cause.Sentence = sprintf("nothing answers on %s%s", host, at(f))
		cause.Next = "Start the service before the tests and wait until it answers."
	case found(m, "not known", "resolution", "ENOTFOUND", "no such host", "Failed to resolve", "not resolve", "EAI_AGAIN", "servname") != "":
		cause.Sentence = sprintf("the host %s cannot be resolved%s", host, at(f))
	default:
		cause.Sentence = sprintf("%s cannot be reached%s: %s", host, at(f), or(text, f.Headline()))
	}
	return cause, true
}

func local(host string) bool {
	return strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]") || strings.HasPrefix(host, "::1") || strings.HasPrefix(host, "0.0.0.0")
}

// hostIn finds the host in what clients say about connections.
func hostIn(m string) string {
	for _, p := range [][2]string{
		{"host='", "'"},
		{"lookup ", " "},
		{"lookup ", ":"},
		{"Could not resolve host: ", "\n"},
		{"ENOTFOUND ", "\n"},
		{"EAI_AGAIN ", "\n"},
		{"ECONNREFUSED ", "\n"},
		{"ETIMEDOUT ", "\n"},
		{"dial tcp ", ": "},
		{"Failed to connect to ", " port"},
		{"connection to server at \"", "\""},
		{"https://", "/"},
		{"http://", "/"},
	} {
		if host, ok := between(m+"\n", p[0], p[1]); ok {
			host = strings.Trim(host, " \t'\",;.")
			host, _, _ = strings.Cut(host, "\n")
			if host != "" && len(host) < 254 && !strings.ContainsAny(host, " '\"<>(") {
				return strings.TrimSuffix(host, ":")
			}
		}
	}
	return ""
}
