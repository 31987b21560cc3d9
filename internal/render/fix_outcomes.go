package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// Outcome is what people did with the repairs of one kind.
type Outcome struct {
	Unchanged int `json:"merged_unchanged"`
	Changed   int `json:"merged_changed"`
	Closed    int `json:"closed"`
	Open      int `json:"open"`
}

// sumOf is all kinds together.
func sumOf(kinds map[string]Outcome) (sum Outcome) {
	for _, o := range kinds {
		sum.Unchanged += o.Unchanged
		sum.Changed += o.Changed
		sum.Closed += o.Closed
		sum.Open += o.Open
	}
	return sum
}

// accuracy is the guide's KPI, the share of decided pull requests that were merged
// without changes; null before there is one.
func (o Outcome) accuracy() *number {
	n := o.Unchanged + o.Changed + o.Closed
	if n == 0 {
		return nil
	}
	share := rounded(float64(o.Unchanged)/float64(n), 4)
	return &share
}

// OutcomesDocument writes the JSON document.
func OutcomesDocument(w io.Writer, kinds map[string]Outcome) error {
	sum := sumOf(kinds)
	return encode(w, struct {
		Kinds    map[string]Outcome `json:"kinds"`
		Total    Outcome            `json:"total"`
		Accuracy *number            `json:"accuracy"`
		N        int                `json:"n"`
	}{kinds, sum, sum.accuracy(), sum.Unchanged + sum.Changed + sum.Closed})
}

// OutcomesText says it for a person.
func OutcomesText(w io.Writer, kinds map[string]Outcome) error {
	sum := sumOf(kinds)
	if len(kinds) == 0 {
		_, err := fmt.Fprintln(w, "no repair was published here yet")
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		o := kinds[kind]
		if _, err := fmt.Fprintf(w, "%-22s %d merged unchanged, %d merged with changes, %d closed, %d open\n", Visible(kind), o.Unchanged, o.Changed, o.Closed, o.Open); err != nil {
			return err
		}
	}
	if share := sum.accuracy(); share != nil {
		_, err := fmt.Fprintf(w, "%.0f %% of %d were merged without changes (target: more than 70 %%)\n", 100*float64(*share), sum.Unchanged+sum.Changed+sum.Closed)
		return err
	}
	return nil
}
