package vuln

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// stream reads a JSON document member by member, so that a report of any size
// needs the memory of its findings only.
type stream struct {
	*json.Decoder
	in *bounded
}

// maxElement is how many bytes one finding may have.
const maxElement = 32 << 20

// maxFindings is more than any real report holds.
const maxFindings = 2_000_000

var (
	errElement  = fmt.Errorf("an element is larger than %d MiB", maxElement>>20)
	errFindings = fmt.Errorf("more than %d findings", maxFindings)
)

type bounded struct {
	r       io.Reader
	left    int
	lines   int
	failure error // of the source itself
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errElement
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	for _, c := range p[:n] {
		if c == '\n' {
			b.lines++
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.failure = err
	}
	return n, err
}

func newStream(r io.Reader) *stream {
	head := make([]byte, len(bom))
	n, err := io.ReadFull(r, head)
	in := &bounded{r: r, left: maxElement}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		in.failure = err
	}
	if string(head[:n]) != string(bom) {
		in.r = io.MultiReader(&slice{head[:n]}, r)
	}
	return &stream{json.NewDecoder(in), in}
}

// slice is a bytes.Reader that can only be read.
type slice struct{ rest []byte }

func (s *slice) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// object calls f at each member of an object, which has to take the value.
func (s *stream) object(f func(key string) error) error {
	s.in.left = maxElement
	open, err := s.Token()
	if err != nil {
		return err
	}
	if open == nil {
		return nil
	}
	if open != json.Delim('{') {
		return fmt.Errorf("expected an object, found %v", open)
	}
	for s.More() {
		s.in.left = maxElement
		key, err := s.Token()
		if err != nil {
			return err
		}
		if err := f(key.(string)); err != nil {
			return err
		}
	}
	_, err = s.Token()
	return err
}

// each calls f at each element of a list, which has to take the element.
func (s *stream) each(f func() error) error {
	s.in.left = maxElement
	open, err := s.Token()
	if err != nil {
		return err
	}
	if open == nil {
		return nil
	}
	if open != json.Delim('[') {
		return fmt.Errorf("expected a list, found %v", open)
	}
	for n := 0; s.More(); n++ {
		s.in.left = maxElement
		if n >= maxFindings {
			return errFindings
		}
		if err := f(); err != nil {
			return err
		}
	}
	_, err = s.Token()
	return err
}

// skip passes over a value of any size.
func (s *stream) skip() error {
	depth := 0
	for {
		s.in.left = maxElement
		token, err := s.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// finish turns what went wrong into the report's own answer: a broken report is
// no data. Only a source that could not be read is an error.
func (s *stream) finish(rep Report, err error) (Report, error) {
	if s.in.failure != nil {
		return rep, s.in.failure
	}
	if err == nil {
		if _, after := s.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("something follows the report")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		rep.NoData = fmt.Sprintf("it is broken: line %d: %v", s.in.lines+1, err)
	}
	if s.in.failure != nil {
		return rep, s.in.failure
	}
	return rep, nil
}
