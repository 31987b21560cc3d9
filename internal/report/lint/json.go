package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// maxElement bounds one element of a JSON report: a finding, with the source
// that some tools put beside it.
const maxElement = 32 << 20

// jsonTool is a tool's JSON: a list of elements that each hold findings. The
// list is the document itself, a sequence of documents (one a line), or the
// value of a key of the document; either way one element is in memory at a time.
type jsonTool struct {
	name  string
	doc   string
	marks []string // keys that must all be in the head
	key   string   // "" : the elements are the document's
	read  func(element json.RawMessage, add func(ci.Diagnostic)) error

	// around are keys beside the list, before or behind it, that finish needs.
	around []string
	finish func(found []ci.Diagnostic, around map[string]json.RawMessage)
}

// lintJSONFormats are the rows of the tools in jsonTools.
func lintJSONFormats() []format.Format {
	rows := make([]format.Format, 0, len(jsonTools))
	for _, tool := range jsonTools {
		rows = append(rows, format.Format{
			Name:  tool.name,
			Doc:   tool.doc,
			Score: func(head []byte) int { return scoreJSON(tool.marks, head) },
			Read:  func(r io.Reader) (ci.Report, error) { return readJSON(tool, r) },
		})
	}
	return rows
}

// scoreJSON is certain if every key is there, and more so the more they are.
func scoreJSON(marks []string, head []byte) int {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, format.Bom), " \t\r\n")
	for bytes.HasPrefix(head, []byte("# ")) { // go vet -json puts comments between
		_, rest, _ := bytes.Cut(head, []byte("\n"))
		head = bytes.TrimLeft(rest, " \t\r\n")
	}
	if len(head) == 0 || head[0] != '{' && head[0] != '[' {
		return 0
	}
	for _, key := range marks {
		if !bytes.Contains(head, []byte(`"`+key+`"`)) {
			return 0
		}
	}
	return 80 + min(len(marks), 15)
}

func readJSON(tool jsonTool, r io.Reader) (ci.Report, error) {
	var rep ci.Report
	add := func(d ci.Diagnostic) {
		severity := d.Severity
		if d, ok := finishDiagnostic(d); ok {
			if tool.finish != nil {
				d.Severity = severity // finish knows the default
			}
			rep.Diagnostics = append(rep.Diagnostics, d)
		}
	}
	s := newJSONStream(r)
	around := map[string]json.RawMessage{}
	for _, key := range tool.around {
		around[key] = nil
	}
	err := s.elements(tool.key, around, func(e json.RawMessage) error {
		if err := tool.read(e, add); err != nil {
			rep.Warnings = append(rep.Warnings, ci.Warning{Text: fmt.Sprintf("%s: an element is not as expected: %v", tool.name, err)})
		}
		return nil
	})
	if tool.finish != nil {
		tool.finish(rep.Diagnostics, around)
	}
	return rep, err
}

// jsonStream reads a document token by token, with a bound on what one value
// may need.
type jsonStream struct {
	*json.Decoder
	in *boundedReader
}

// boundedReader fails when more than its allowance is read before it is renewed.
type boundedReader struct {
	r    io.Reader
	left int
	wide bool // the bound was hit
}

// maxDepth is how deep JSON may nest; the decoder has the same bound for values.
const maxDepth = 10000

var errDepth = errors.New("nested more than 10000 deep")

var errElement = errors.New("a single value is larger than 32 MiB")

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.wide = true
		return 0, errElement
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func newJSONStream(r io.Reader) *jsonStream {
	in := &boundedReader{r: skipToJSON(r), left: maxElement}
	return &jsonStream{json.NewDecoder(in), in}
}

// skipToJSON drops a byte order mark and lines of comment (go vet's) before the document.
func skipToJSON(r io.Reader) io.Reader {
	in, head, _ := peekHead(r)
	if in == nil {
		return r
	}
	skip := 0
	if bytes.HasPrefix(head, format.Bom) {
		skip = len(format.Bom)
	}
	for bytes.HasPrefix(head[skip:], []byte("# ")) {
		end := bytes.IndexByte(head[skip:], '\n')
		if end < 0 {
			break
		}
		skip += end + 1
	}
	_, _ = in.Discard(skip)
	return in
}

// where adds the place to an error.
func (s *jsonStream) where(err error) error {
	if err == nil || s.in.wide {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("byte %d: %w", s.InputOffset(), err)
}

// elements calls f for each element of the document, or of the list under key,
// and keeps the values of the keys around it.
func (s *jsonStream) elements(key string, around map[string]json.RawMessage, f func(json.RawMessage) error) error {
	for {
		s.in.left = maxElement
		token, err := s.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.where(err)
		}
		switch {
		case token == json.Delim('['):
			err = s.list(f)
		case token == json.Delim('{') && key != "":
			err = s.object(func(k string) error {
				_, wanted := around[k]
				switch {
				case k == key:
					return s.listOrNull(f)
				case wanted:
					var value json.RawMessage
					err := s.Decode(&value)
					around[k] = value
					return err
				}
				return s.skip()
			})
		case token == json.Delim('{'):
			err = s.rest(f)
		}
		if err != nil {
			return s.where(err)
		}
	}
}

// rest reads an object whose brace is already taken, as one element.
func (s *jsonStream) rest(f func(json.RawMessage) error) error {
	object := []byte{'{'}
	err := s.object(func(k string) error {
		var value json.RawMessage
		if err := s.Decode(&value); err != nil {
			return err
		}
		name, err := json.Marshal(k)
		if err != nil {
			return err
		}
		if len(object) > 1 {
			object = append(object, ',')
		}
		object = append(append(append(object, name...), ':'), value...)
		if len(object) > maxElement {
			return errElement
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f(append(object, '}'))
}

// object calls f for each key of an object whose brace is already taken; f
// takes the value.
func (s *jsonStream) object(f func(key string) error) error {
	for s.More() {
		token, err := s.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if err := f(key); err != nil {
			return err
		}
	}
	_, err := s.Token()
	return err
}

// list calls f for each element of a list whose bracket is already taken.
func (s *jsonStream) list(f func(json.RawMessage) error) error {
	for s.More() {
		s.in.left = maxElement
		var e json.RawMessage
		if err := s.Decode(&e); err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
	_, err := s.Token()
	return err
}

// listOrNull is list where the bracket comes next, or null.
func (s *jsonStream) listOrNull(f func(json.RawMessage) error) error {
	token, err := s.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		return s.list(f)
	case json.Delim('{'):
		return s.object(func(string) error { return s.skip() })
	}
	return nil
}

// objectOrNull is object where the brace comes next, or null.
func (s *jsonStream) objectOrNull(f func(key string) error) error {
	token, err := s.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return s.object(f)
	case json.Delim('['):
		return s.list(func(json.RawMessage) error { return nil })
	}
	return nil
}

// skip passes over a value without holding it.
func (s *jsonStream) skip() error {
	depth := 0
	for {
		s.in.left = maxElement
		token, err := s.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return errDepth
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}
