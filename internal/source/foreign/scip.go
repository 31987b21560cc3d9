package foreign

import (
	"errors"
	"path"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"keepgreen/internal/ci"
)

// Numbers of fields in scip.proto, whose messages are read by hand: seven fields
// of three messages need no generated code
// (https://github.com/sourcegraph/scip/blob/main/scip.proto).
const (
	indexMetadata, indexDocuments                     = 1, 2
	documentPath, documentOccurrences, documentLang   = 1, 2, 4
	occurrenceRange, occurrenceSymbol, occurrenceRole = 1, 2, 3

	roleDefinition = 1
)

var errSCIP = errors.New("not a SCIP index, or a damaged one")

// isSCIP: metadata, which is written first, and documents.
func isSCIP(data []byte) bool {
	number, kind, n := protowire.ConsumeTag(data)
	return n > 0 && kind == protowire.BytesType && (number == indexMetadata || number == indexDocuments) && !isObject(data)
}

// document is what is kept of a document on the first reading.
type document struct {
	module int
	file   string
	body   []byte
}

// scip makes an edge of every use of a symbol that another file defines. SCIP
// says who uses whom, not when: every edge counts as run-time. Symbols that no
// document defines are of the package that their name says.
func scip(data []byte, b *builder) error {
	var docs []document
	err := fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		if number != indexDocuments {
			return nil
		}
		d, err := b.document(value)
		docs = append(docs, d)
		return err
	})
	if err != nil {
		return err
	}
	defined := map[string]int{} // symbol → module
	for _, d := range docs {
		err = occurrences(d.body, func(symbol string, role uint64, _ int) {
			if role&roleDefinition != 0 && !strings.HasPrefix(symbol, "local ") {
				defined[symbol] = d.module
			}
		})
		if err != nil {
			return err
		}
	}
	type arc struct {
		file string
		to   int
	}
	for _, d := range docs {
		at := map[arc]int{} // edges of this file
		_ = occurrences(d.body, func(symbol string, role uint64, line int) {
			if role&roleDefinition != 0 || symbol == "" || strings.HasPrefix(symbol, "local ") {
				return
			}
			to, ours := defined[symbol]
			if !ours {
				to = b.symbolPackage(symbol)
			}
			if to < 0 || to == d.module {
				return
			}
			key := arc{d.file, to}
			i, known := at[key]
			if !known {
				i = len(b.graph.Imports)
				b.add(ci.ImportEdge{From: d.module, To: to, Kind: ci.ImportRuntime, Line: line, File: d.file})
				if i == len(b.graph.Imports) {
					return
				}
				at[key] = i
			}
			e := &b.graph.Imports[i]
			e.Line = min(e.Line, line)
			if name := symbolName(symbol); ours && name != "" && len(e.Names) < 100 {
				e.Names = append(e.Names, name)
			}
		})
	}
	return nil
}

// document notes a document's module: for Go its folder, for others the file.
func (b *builder) document(body []byte) (document, error) {
	d := document{module: -1, body: body}
	language := ""
	err := fields(body, func(number protowire.Number, value []byte, _ uint64) error {
		switch int(number) {
		case documentPath:
			d.file = b.clean(string(value))
		case documentLang:
			language = strings.ToLower(string(value))
		}
		return nil
	})
	switch {
	case err != nil || d.file == "":
		return d, err
	case language == "go" || path.Ext(d.file) == ".go":
		name := path.Dir(d.file)
		external := strings.HasSuffix(d.file, "_test.go")
		d.module = b.module(ci.Module{Name: name, File: name, Test: external})
		if d.module >= 0 && !external {
			b.graph.Modules[d.module].Test = isTest(name + "/x.go")
		}
	default:
		d.module = b.file(d.file)
	}
	return d, nil
}

// occurrences calls f for each occurrence of a document.
func occurrences(body []byte, f func(symbol string, role uint64, line int)) error {
	return fields(body, func(number protowire.Number, value []byte, _ uint64) error {
		if number != documentOccurrences {
			return nil
		}
		symbol, role, line := "", uint64(0), 1
		err := fields(value, func(number protowire.Number, value []byte, n uint64) error {
			switch int(number) {
			case occurrenceSymbol:
				symbol = string(value[:min(len(value), maxName)])
			case occurrenceRole:
				role = n
			case occurrenceRange:
				if first, ok := protowire.ConsumeVarint(value); ok > 0 { // packed; lines count from 0
					line = int(min(first, 1<<30)) + 1
				}
			}
			return nil
		})
		if err == nil {
			f(symbol, role, line)
		}
		return err
	})
}

// symbolPackage is the dependency that a symbol is of: "scheme manager name
// version descriptors"; a space in a part is written twice, none is ".".
func (b *builder) symbolPackage(symbol string) int {
	parts := strings.SplitN(strings.ReplaceAll(symbol, "  ", "\x00"), " ", 5)
	if len(parts) < 5 || parts[2] == "." || parts[2] == "" {
		return -1
	}
	name := strings.ReplaceAll(parts[2], "\x00", " ")
	return b.leaf(name, name == "python-stdlib" || name == "github.com/golang/go/src")
}

// symbolName is the last descriptor of a symbol, without its suffix; a module
// itself, which scip-python calls "__init__:", has none.
func symbolName(symbol string) string {
	if strings.HasSuffix(symbol, "__init__:") {
		return ""
	}
	symbol = strings.TrimRight(symbol, "/#.:!()")
	i := strings.LastIndexAny(symbol, "/#.:!(`")
	return strings.Trim(symbol[i+1:], "`")
}

// fields calls f for each field of a message.
func fields(data []byte, f func(number protowire.Number, value []byte, n uint64) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errSCIP
		}
		data = data[n:]
		var value []byte
		var varint uint64
		switch kind {
		case protowire.VarintType:
			varint, n = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return errSCIP
		}
		data = data[n:]
		if err := f(number, value, varint); err != nil {
			return err
		}
	}
	return nil
}
