package triage_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"keepgreen/internal/ci"
	"keepgreen/internal/triage"
)

// TestLongValuesAreShownWhereTheyDiffer: of two long texts the difference is in
// the sentence, wherever it stands in them.
func TestLongValuesAreShownWhereTheyDiffer(t *testing.T) {
	same := strings.Repeat("lorem ipsum ", 40)
	for _, c := range []struct{ name, message string }{
		{"in full, as with -vv", "assert '" + same + "alpha" + same + "' == '" + same + "beta" + same + "'"},
		{"shortened by pytest", "assert 'lorem ipsum ...ipsum lorem ' == 'lorem ipsum ...ipsum lorem '\n\nSkipping 470 identical leading characters in diff, use -v to show\n- rem ipsum beta lorem ipsum\n+ rem ipsum alpha lorem ipsum"},
		{"by unittest", "'" + same + "alpha' != '" + same + "beta'"},
		{"at the very beginning", "assert 'alpha" + same + "' == 'beta" + same + "'"},
		{"between letters of several bytes", "assert '" + strings.Repeat("ü", 100) + "alpha" + same + "' == '" + strings.Repeat("ü", 100) + "beta" + same + "'"},
	} {
		f := py("AssertionError", c.message)
		got := triage.Clusters([]ci.Failure{f}, triage.Options{})[0].Cause
		if !strings.Contains(got.Sentence, "alpha") || !strings.Contains(got.Sentence, "beta") || !utf8.ValidString(got.Sentence) {
			t.Errorf("%s: %s", c.name, got.Sentence)
		}
	}
}
