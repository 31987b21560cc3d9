package lint

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

func scoreCheckstyle(head []byte) int {
	if bytes.Contains(head, []byte("<checkstyle")) {
		return 85
	}
	return 0
}

// ReadCheckstyle reads the XML of Checkstyle, which many linters write too
// ("source" then names them: "eslint.rules.semi"). Attributes are all there is;
// document type definitions are ignored, so no entity can grow.
func ReadCheckstyle(r io.Reader) (ci.Report, error) {
	var rep ci.Report
	in := &boundedReader{r: r, left: maxElement}
	dec := xml.NewDecoder(in)
	dec.Strict = false
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	file := ""
	for {
		in.left = maxElement
		token, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return rep, nil
		}
		if err != nil {
			line, _ := dec.InputPos()
			return rep, fmt.Errorf("line %d: %w", line, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "file":
			file = checkstyleAttr(start, "name")
		case "error":
			line, _ := dec.InputPos()
			if d, ok := finishDiagnostic(checkstyleError(start, file, line)); ok {
				rep.Diagnostics = append(rep.Diagnostics, d)
			}
		}
	}
}

func checkstyleError(start xml.StartElement, file string, line int) ci.Diagnostic {
	d := ci.Diagnostic{
		Tool: "checkstyle", Severity: lintSeverity(checkstyleAttr(start, "severity")), Message: checkstyleAttr(start, "message"),
		Pos: ci.Position{File: file}, Log: ci.Position{Line: line},
	}
	d.Pos.Line, _ = strconv.Atoi(checkstyleAttr(start, "line"))
	d.Pos.Col, _ = strconv.Atoi(checkstyleAttr(start, "column"))
	source := checkstyleAttr(start, "source")
	d.Rule = source
	if tool, rest, ok := strings.Cut(source, "."); ok {
		if _, known := lintTools[lintToolName(tool)]; known {
			d.Tool, d.Rule = lintToolName(tool), strings.TrimPrefix(rest, "rules.")
		} else if strings.HasPrefix(source, "com.puppycrawl.tools.checkstyle") {
			_, d.Rule = lintCutLast(source, ".")
		}
	} else if _, known := lintTools[lintToolName(source)]; known {
		d.Tool, d.Rule = lintToolName(source), ""
	}
	return d
}

func checkstyleAttr(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
