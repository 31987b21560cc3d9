package xmltok_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"keepgreen/internal/report/xmltok"
)

// tokens writes a document's tokens: <name a=v> for a start, /name for an end,
// "text" for what stands in between.
func tokens(in io.Reader) (string, error) {
	var b, text strings.Builder
	x := xmltok.NewReader(in)
	flush := func() {
		if text.Len() > 0 {
			fmt.Fprintf(&b, "%q ", text.String())
			text.Reset()
		}
	}
	for {
		token, err := x.Next()
		switch token {
		case xmltok.EOF:
			flush()
			return strings.TrimSpace(b.String()), err
		case xmltok.Start:
			flush()
			fmt.Fprintf(&b, "<%s", x.Name())
			for name, raw := range x.Attrs() {
				fmt.Fprintf(&b, " %s=%s", name, xmltok.Decode(nil, raw, false))
			}
			b.WriteString("> ")
		case xmltok.End:
			flush()
			fmt.Fprintf(&b, "/%s ", x.Name())
		case xmltok.Text:
			raw, literal := x.Text()
			text.Write(xmltok.Decode(nil, raw, literal))
		}
	}
}

func TestTokens(t *testing.T) {
	for _, tt := range []struct{ name, in, want, err string }{
		{"elements, attributes and references", `<a x="1 &lt; 2" y='&#65;'>t&amp;<b/></a>`, `<a x=1 < 2 y=A> "t&" <b> /b /a`, ""},
		{"a reference that is none stays", `<a>&unknown; &</a>`, `<a> "&unknown; &" /a`, ""},
		{"a section is literal", `<a><![CDATA[<b>&lt;]]></a>`, `<a> "<b>&lt;" /a`, ""},
		{"a declared entity is not expanded", `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`, `<a> "&e;" /a`, ""},
		{"a prefix goes", `<n:a n:x="1"/>`, `<a x=1> /a`, ""},
		{"an end tag closes what is open inside of it", `<a><b></a>`, `<a> <b> /b /a`, "line 1: </a> closes <b>"},
		{"one that closes nothing is dropped", "<a>\n</b></a>", `<a> "\n" /a`, "line 2: </b> closes nothing"},
		{"a cut document keeps what was read", "<a>\n<b>", `<a> "\n" <b>`, "line 2: unexpected EOF"},
		{"a document without an element is none", "text", `"text"`, "line 1: unexpected EOF: there is no element in it"},
		{"control characters are spelled", "<a>\x1b[31m&#27;</a>", `<a> "#x1B[31m#x1B" /a`, ""},
		{"UTF-16 is told by its zeros", "<\x00a\x00/\x00>\x00", `<a> /a`, ""},
		{"Latin-1 is declared", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", `<a> "é" /a`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			for how, in := range map[string]io.Reader{"at once": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in))} {
				got, err := tokens(in)
				said := ""
				if err != nil {
					said = err.Error()
				}
				if got != want || said != tt.err {
					t.Errorf("%s: %s, error %q\nwant %s, error %q", how, got, said, want, tt.err)
				}
			}
		})
	}
}

// FuzzNext promises: it ends, every start has its end unless an error says
// otherwise, and the tokens do not depend on how the bytes arrive.
func FuzzNext(f *testing.F) {
	f.Add("<a x='1'>t<b/></a>")
	f.Add("<!DOCTYPE a [<!ENTITY e 'x'>]><a><![CDATA[]]]]></a>&#x110000;")
	f.Fuzz(func(t *testing.T, in string) {
		once, err := tokens(strings.NewReader(in))
		again, err2 := tokens(iotest.HalfReader(strings.NewReader(in)))
		if once != again || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatalf("%s, %v\nand in halves %s, %v", once, err, again, err2)
		}
		x := xmltok.NewReader(strings.NewReader(in))
		for depth := 0; ; {
			token, err := x.Next()
			switch token {
			case xmltok.EOF:
				if err == nil && depth != 0 {
					t.Fatalf("%d elements were left open without an error", depth)
				}
				return
			case xmltok.Start:
				depth++
			case xmltok.End:
				depth--
			}
			if depth < 0 || token == xmltok.Start && x.Depth() != depth {
				t.Fatalf("depth %d, the reader says %d", depth, x.Depth())
			}
		}
	})
}
