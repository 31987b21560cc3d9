package triage_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"keepgreen/internal/triage"
)

func TestMask(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"numbers lose their value and their sign", "expected -3 but got 4.25e-07 of 1,234", "expected <n> but got <n> of <n>"},
		{"a hyphen between words is not a sign", "node-3 is a-b", "node-<n> is a-b"},
		{"types and rules keep their digits", "int32 E501 utf8 x86_64 TS2304", "int32 E501 utf8 x86_<n> TS<n>"},
		{"addresses in memory are hex", "<Foo object at 0x7f3a2b1c>", "<Foo object at <hex>>"},
		{"commits and digests are hex, words of hex letters are not", "at 3f9ac01 deadbeef facade", "at <hex> deadbeef facade"},
		{"a UUID is one mark", "job 123e4567-e89b-12d3-a456-426614174000.", "job <uuid>."},
		{"timestamps in the usual notations", "2024-05-01T12:34:56.123Z 2024-05-01 12:34:56,789 01/May/2024:10:00:00 +0000 Jun 12 10:22:33", "<time> <time> <time> <n> <time>"},
		{"durations with their unit", "in 3.2s after 1m30s or 150ms", "in <dur> after <dur> or <dur>"},
		{"hosts keep their name and lose their port", "connect to db.internal:5432 and 10.0.0.7:80 and fe80::1", "connect to db.internal:<n> and <ip> and <ip>"},
		{"absolute paths keep their last segment", "open /home/ci/project/a/conf.toml: no such file", "open <path>/conf.toml: no such file"},
		{"relative paths stay", "src/kv/pool.py:41: in reuse", "src/kv/pool.py:<n>: in reuse"},
		{"Windows paths too", `C:\actions\work\x\kv.cpp(89): error`, "<path>/kv.cpp(<n>): error"},
		{"lists of numbers of any length are alike", "[1, 2, 3] == [1, 2]", "[<n>] == [<n>]"},
		{"arrays separated by blanks are alike", "array([0.1 0.2 0.3])", "array([<n>])"},
		{"versions", "needs v1.2, has 1.2.3.dev0+g12ab", "needs <ver>, has <ver>"},
		{"sizes keep their unit", "Tried to allocate 4.39 GiB and 12MB", "Tried to allocate <n> GiB and <n>MB"},
		{"e-mail", "from jane.doe@example.com:", "from <mail>:"},
		{"short quoted names stay, of long quoted texts the first word", `name 'foo' '` + strings.Repeat("ab ", 30) + `'`, "name 'foo' 'ab <str>'"},
		{"an xdist worker is chance", "[gw3] node down", "[gw<n>] node down"},
		{"node ids stay", "tests/test_kv.py::TestPool::test_reuse[fp16]", "tests/test_kv.py::TestPool::test_reuse[fp16]"},
		{"base64", "token dGhpcyBpcyBhIHRlc3Qx0Zm9v", "token <b64>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := triage.Mask(tt.in); got != tt.want {
				t.Errorf("Mask(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzMask(f *testing.F) {
	for _, seed := range []string{
		"", "a", "1", "0x", "0x1", "-1", "--1", "1.2.3.4:5", "::1", "1:2:3:4", "<n>, <n>", "/a/b/c", "C:\\a\\b",
		"Mon, 12 Jun 2023 10:00:00 GMT", "Jun 12", "a@b.c", "'" + strings.Repeat("x", 70) + "'", "[1 2 3] 4 5", "\xff\xfe1", "1e5e5", "1.e5", "2024-05-01T1",
		"123e4567-e89b-12d3-a456-426614174000", "v1.2.x", "3.7.tar.gz", "1,234,567", "<path>/b/c", "x<n>y", "1<n>", "5s5", "10.0.0.1-5", "+<n>", "- <n>,1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := triage.Mask(s)
		if twice := triage.Mask(once); twice != once {
			t.Errorf("masking is not idempotent:\n in    %q\n once  %q\n twice %q", s, once, twice)
		}
		if len(once) > 3*len(s) {
			t.Errorf("%d bytes became %d: %q", len(s), len(once), once)
		}
		if utf8.ValidString(s) && !utf8.ValidString(once) {
			t.Errorf("valid UTF-8 became invalid: %q", once)
		}
	})
}
