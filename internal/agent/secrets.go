package agent

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/zricethezav/gitleaks/v8/detect"
)

// Secrets removes from a text what must not leave the machine. The zero value
// knows no values of the environment; detectors work all the same.
type Secrets struct {
	values []secret // the longest first
	finder *detect.Detector
}

type secret struct{ name, value string }

// telling are parts of the names of variables that hold secrets.
var telling = []string{"KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "AUTH", "PRIVATE", "COOKIE", "DSN", "WEBHOOK", "HMAC", "CERT"}

// shortest is the length below which a value is taken for a word, not a secret.
const shortest = 6

// NewSecrets learns the values of the environment's secret-looking variables,
// and the passwords of its URLs, as they are, escaped and in base64.
func NewSecrets(env map[string]string) *Secrets {
	s := &Secrets{}
	for name, value := range env {
		if u, err := url.Parse(value); err == nil && u.User != nil {
			if password, ok := u.User.Password(); ok {
				s.add(name, password)
			}
		}
		upper := strings.ToUpper(name)
		if slices.ContainsFunc(telling, func(part string) bool { return strings.Contains(upper, part) }) {
			s.add(name, value)
			for line := range strings.Lines(value) { // of a PEM key, each line
				s.add(name, strings.TrimSpace(line))
			}
		}
	}
	slices.SortFunc(s.values, func(a, b secret) int {
		return cmp.Or(cmp.Compare(len(b.value), len(a.value)), cmp.Compare(a.value, b.value), cmp.Compare(a.name, b.name))
	})
	return s
}

func (s *Secrets) add(name, value string) {
	if len(value) < shortest {
		return
	}
	s.values = append(s.values, secret{name, value},
		secret{name, url.QueryEscape(value)}, secret{name, base64.StdEncoding.EncodeToString([]byte(value))})
}

// Remove replaces every secret by what it was. The detectors are gitleaks'
// rules; compiling them takes some 35 ms, so it is done when a text is to leave
// and not before.
func (s *Secrets) Remove(text string) string {
	if s == nil {
		s = &Secrets{}
	}
	for _, v := range s.values {
		text = strings.ReplaceAll(text, v.value, "[secret "+v.name+"]")
	}
	if s.finder == nil {
		finder, err := detect.NewDetectorDefaultConfig()
		if err != nil {
			return "[not sent: the detectors of secrets cannot be loaded]"
		}
		s.finder = finder
	}
	for _, found := range s.finder.DetectString(text) {
		if found.Secret != "" {
			text = strings.ReplaceAll(text, found.Secret, "[secret "+found.RuleID+"]")
		}
	}
	return text
}
