package render

import "io"

// InitView is what init found, wrote, and leaves to do.
type InitView struct {
	Found  []string
	Others []string // workflows that were there already
	Files  []InitFile
	Next   []string
}

// InitFile is one file and what became of it.
type InitFile struct{ Path, Status, Note string }

// InitText writes the answer of init.
func InitText(w io.Writer, v InitView, o TextOptions) error {
	p := newPaper(o)
	for i, found := range v.Found {
		if i == 0 {
			p.line(p.ink.bold(cut(Visible(found), p.width)))
			continue
		}
		p.line("  " + cut(Visible(found), p.width-2))
	}
	p.blank()
	for _, f := range v.Files {
		colour := p.ink.dim
		if f.Status == "created" || f.Status == "changed" {
			colour = p.ink.green
		}
		note := f.Note
		if note != "" {
			note = "  " + p.ink.dim(note)
		}
		p.line("  " + colour(pad(f.Status, 10)) + Visible(f.Path) + note)
	}
	for _, name := range v.Others {
		p.line("  " + p.ink.dim(pad("left", 10)) + ".github/workflows/" + Visible(name))
	}
	p.blank()
	for i, step := range v.Next {
		head := "      "
		if i == 0 {
			head = p.ink.bold("next  ")
		}
		p.line(head + Visible(step))
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}
