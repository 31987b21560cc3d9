package trend

import (
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

type labelled struct {
	half  string
	label Opinion
	text  string
}

func labelledReplies(t *testing.T) []labelled {
	t.Helper()
	data, err := os.ReadFile("testdata/comments.tsv")
	assert.NilError(t, err)
	var out []labelled
	for line := range strings.Lines(string(data)) {
		if fields := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 3); len(fields) == 3 && !strings.HasPrefix(line, "#") {
			out = append(out, labelled{fields[0], Opinion(fields[1]), fields[2]})
		}
	}
	assert.Equal(t, len(out), 240)
	return out
}

// macroF1 is the mean of the three classes' F1; an unsure answer is no opinion.
func macroF1(replies []labelled, half string) (f1 float64, unsure, n int) {
	hits, said, are := map[Opinion]float64{}, map[Opinion]float64{}, map[Opinion]float64{}
	for _, r := range replies {
		if r.half != half {
			continue
		}
		n++
		got := Reply(r.text)
		if got == Unsure {
			unsure++
			got = Neutral
		}
		said[got]++
		are[r.label]++
		if got == r.label {
			hits[got]++
		}
	}
	for _, o := range []Opinion{Satisfied, Dissatisfied, Neutral} {
		f1 += 2 * hits[o] / max(said[o]+are[o], 1) / 3
	}
	return f1, unsure, n
}

// TestReplies holds the lexicon to the replies that it was not written against. It
// prints figures and never texts of the held-out half.
func TestReplies(t *testing.T) {
	replies := labelledReplies(t)
	for _, half := range []string{"open", "held-out"} {
		f1, unsure, n := macroF1(replies, half)
		t.Logf("macro F1 %.3f on the %s half (%d replies, %d unsure)", f1, half, n, unsure)
		if f1 < 0.70 {
			t.Errorf("the %s half: %.3f", half, f1)
		}
	}
}

func TestReplyIsOfOurWorkOnly(t *testing.T) {
	for text, want := range map[string]Opinion{
		"":                                      Neutral,
		"Kill the process on abort.":            Neutral,
		"> Wrong again.\nRebased.":              Neutral,
		"`wrong` is the name of the variable.":  Neutral,
		"👍":                                     Satisfied,
		"-1":                                    Dissatisfied,
		"not helpful":                           Dissatisfied,
		"Great catch, but wrong and misleading": Dissatisfied,
	} {
		assert.Equal(t, Reply(text), want, text)
	}
}

// FuzzReply: any text has an opinion, and what is quoted or code adds nothing.
func FuzzReply(f *testing.F) {
	f.Add("Thanks! `wrong`")
	f.Add("> useless\n\xff🙄")
	f.Fuzz(func(t *testing.T, text string) {
		got := Reply(text)
		if got != Satisfied && got != Dissatisfied && got != Neutral && got != Unsure {
			t.Error(got)
		}
		if short := !strings.ContainsAny(text, "`>\n") && len(text) < 1000; short && Reply(text+" `wrong useless`\n> terrible") != got {
			t.Errorf("%q", text)
		}
	})
}
