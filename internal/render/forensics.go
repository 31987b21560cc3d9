package render

import (
	"fmt"
	"io"
	"strings"

	"keepgreen/internal/ci"
)

// ForensicFile is a file of a forensic log and whether it holds.
type ForensicFile struct {
	Name     string
	OK       bool
	Fault    string // the kind of the first fault
	What     string // its sentence
	Bad      int    // its line; 0: the file as a whole
	BadLines int
	Lines    int
	Records  int
	Signed   int
	LastHash string
}

// ForensicsView is the answer of "keepgreen forensics verify".
type ForensicsView struct {
	OK    bool
	Files []ForensicFile
	Notes []string
}

// ForensicsDocument writes the JSON document.
func ForensicsDocument(w io.Writer, v ForensicsView) error {
	type file struct {
		File     string  `json:"file"`
		OK       bool    `json:"ok"`
		Lines    int     `json:"lines"`
		FirstBad *int    `json:"first_bad_line"`
		Error    *string `json:"error"`
		Fault    *string `json:"fault"`
		BadLines int     `json:"bad_lines"`
		Records  int     `json:"records"`
		Signed   int     `json:"signed"`
		Last     string  `json:"last_hash"`
	}
	files := []file{}
	for _, f := range v.Files {
		one := file{File: f.Name, OK: f.OK, Lines: f.Lines, BadLines: f.BadLines, Records: f.Records, Signed: f.Signed, Last: f.LastHash}
		if !f.OK {
			said := f.sentence()
			one.Error, one.Fault = &said, &f.Fault
		}
		if f.Bad > 0 {
			one.FirstBad = &f.Bad
		}
		files = append(files, one)
	}
	return encode(w, struct {
		OK    bool     `json:"ok"`
		Files []file   `json:"files"`
		Notes []string `json:"notes"`
	}{v.OK, files, append([]string{}, v.Notes...)})
}

func (f ForensicFile) sentence() string {
	if f.Bad > 0 {
		return fmt.Sprintf("line %d %s", f.Bad, f.What)
	}
	return f.What
}

func (f ForensicFile) place() string {
	if f.Bad > 0 {
		return fmt.Sprintf("%s:%d", f.Name, f.Bad)
	}
	return f.Name
}

// ForensicsText writes the sentence that explains the answer, and a line a file.
func ForensicsText(w io.Writer, v ForensicsView) error {
	var b strings.Builder
	records, bad, wide := 0, 0, 0
	for _, f := range v.Files {
		records += f.Records
		wide = max(wide, width(Visible(f.Name)))
		if f.OK {
			continue
		}
		if bad++; bad == 1 {
			fmt.Fprintf(&b, "%s %s: %s: %s\n", verdictEmoji(ci.VerdictFail), Visible(f.place()), f.Fault, Visible(f.What))
		}
	}
	if bad == 0 {
		fmt.Fprintf(&b, "%s the chain holds: %s in %s\n", verdictEmoji(ci.VerdictPass), plural(records, "record"), plural(len(v.Files), "file"))
	}
	b.WriteByte('\n')
	for _, f := range v.Files {
		name := Visible(f.Name)
		fmt.Fprintf(&b, "  %s%s  ", name, strings.Repeat(" ", wide-width(name)))
		switch {
		case f.OK:
			fmt.Fprintf(&b, "holds  %s%s\n", plural(f.Lines, "line"), signed(f))
		case f.Bad > 0:
			fmt.Fprintf(&b, "FAILS  line %d %s", f.Bad, Visible(f.What))
			if f.BadLines > 1 {
				fmt.Fprintf(&b, " (%d lines do not hold)", f.BadLines)
			}
			b.WriteByte('\n')
		default:
			fmt.Fprintf(&b, "FAILS  %s\n", Visible(f.What))
		}
	}
	for _, note := range v.Notes {
		fmt.Fprintf(&b, "  note: %s\n", Visible(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func signed(f ForensicFile) string {
	switch f.Signed {
	case 0:
		return ""
	case f.Records:
		return ", signed"
	}
	return fmt.Sprintf(", %d of %d signed", f.Signed, f.Records)
}

// EvictionsView is the answer of "keepgreen forensics gate" for people.
type EvictionsView struct {
	Failures []string // empty: it passes
	Checked  []string // what was held to a limit
}

// EvictionsText writes the sentence that explains the verdict, and the rest.
func EvictionsText(w io.Writer, v EvictionsView) error {
	var b strings.Builder
	if len(v.Failures) == 0 {
		fmt.Fprintf(&b, "%s everything that was freed was wiped: %s within limits\n", verdictEmoji(ci.VerdictPass), strings.Join(v.Checked, ", "))
	}
	for i, failure := range v.Failures {
		mark := verdictEmoji(ci.VerdictFail)
		if i > 0 {
			mark = "  "
		}
		fmt.Fprintf(&b, "%s %s\n", mark, Visible(failure))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// MeterLine is how far the reading of something large is, as a line that fits
// the terminal.
func MeterLine(name string, done, total int64, perSecond float64, o TextOptions) string {
	const cells = 24
	share := 1.0
	if total > 0 {
		share = min(1, float64(done)/float64(total))
	}
	filled := int(share * cells)
	line := fmt.Sprintf("%s%s %3.0f %%  %s of %s", strings.Repeat("█", filled), strings.Repeat("░", cells-filled), share*100, size(done), size(total))
	if perSecond > 0 {
		line += fmt.Sprintf("  %s/s", size(int64(perSecond)))
		if left := float64(total-done) / perSecond; left >= 1 {
			line += fmt.Sprintf("  %.0f s left", left)
		}
	}
	return cut(line+"  "+Visible(name), max(20, o.Width-1))
}

func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d kB", n/1000)
}
