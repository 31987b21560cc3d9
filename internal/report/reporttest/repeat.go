package reporttest

import "io"

// repeating is an endless stream of one text.
type repeatingReader struct {
	text []byte
	at   int
}

func Repeating(text string) io.Reader { return &repeatingReader{text: []byte(text)} }

func (r *repeatingReader) Read(p []byte) (int, error) {
	if len(r.text) == 1 {
		for i := range p {
			p[i] = r.text[0]
		}
		return len(p), nil
	}
	n := 0
	for n < len(p) {
		m := copy(p[n:], r.text[r.at:])
		n += m
		r.at = (r.at + m) % len(r.text)
	}
	return n, nil
}
