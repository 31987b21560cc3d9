package render

import "io"

// TravelView is what moved between the history here and the branch that keeps it.
type TravelView struct {
	Ref   string
	Done  []Travelled
	Empty string // what is said when nothing moved
}

// Travelled is one file and what became of it.
type Travelled struct{ Path, What string }

// TravelText writes what history pull and push did.
func TravelText(w io.Writer, v TravelView, o TextOptions) error {
	p := newPaper(o)
	if len(v.Done) == 0 {
		p.line(Visible(v.Empty))
	}
	for _, t := range v.Done {
		p.line(pad(Visible(t.Path), 34) + " " + p.ink.dim(Visible(t.What)))
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}
