package format

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Valid replaces what is no UTF-8, so that every text of a report can be encoded.
func Valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Shorten cuts a text to at most n bytes, at the end of a rune.
func Shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// ParseSeconds reads a decimal number of seconds; what no clock could show is refused.
func ParseSeconds(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1e9 {
		return 0, false
	}
	return time.Duration(math.Round(f * float64(time.Second))), true
}

// LeadingNumber is the number that b starts with, 0 if none, and what follows.
func LeadingNumber(b []byte) (int, []byte) {
	n, i := 0, 0
	for i < len(b) && i < 9 && '0' <= b[i] && b[i] <= '9' {
		n = 10*n + int(b[i]-'0')
		i++
	}
	return n, b[i:]
}

// LastLines are the last n lines that are not the tool's own.
func LastLines(lines []string, n int, own func(line []byte) bool) string {
	var kept []string
	for i := len(lines) - 1; i >= 0 && len(kept) < n; i-- {
		line := strings.TrimRight(lines[i], " \t\r")
		if strings.HasPrefix(line, "##[") {
			break // where the forge's step began
		}
		if !own([]byte(line)) {
			kept = append(kept, line)
		}
	}
	var b strings.Builder
	for i := len(kept) - 1; i >= 0; i-- {
		b.WriteString(kept[i])
		if i > 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func OrUnknown(name string) string {
	if name == "" {
		return "(unknown)"
	}
	return name
}

func LastSlash(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			return i
		}
	}
	return -1
}

func CutBlank(b []byte) (word, rest []byte) {
	i := bytes.IndexAny(b, " \t")
	if i < 0 {
		return b, nil
	}
	return b[:i], bytes.TrimLeft(b[i:], " \t")
}

// number is a small decimal number, or -1.
func LineNumber(b []byte) int {
	if len(b) == 0 || len(b) > 12 {
		return -1
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// Number reads a count or a line of an attribute; what is none is 0.
func Number(raw []byte) int {
	n, err := strconv.Atoi(string(bytes.TrimSpace(raw)))
	if err != nil || n < 0 || n > math.MaxInt32 {
		return 0
	}
	return n
}
