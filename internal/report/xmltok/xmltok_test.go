package xmltok_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"gotest.tools/v3/assert"

	"keepgreen/internal/report/xmltok"
)

// spell lists the tokens of a document in one line.
func spell(x *xmltok.Reader) (string, error) {
	var b strings.Builder
	for {
		token, err := x.Next()
		switch token {
		case xmltok.EOF:
			return b.String(), err
		case xmltok.Start:
			fmt.Fprintf(&b, "<%s a=%q>", x.Name(), x.Attr("a"))
		case xmltok.End:
			fmt.Fprintf(&b, "</%s>", x.Name())
		case xmltok.Text:
			text, literal := x.Text()
			b.Write(xmltok.Decode(nil, text, literal))
		}
	}
}

func TestTokens(t *testing.T) {
	for _, test := range []struct{ name, text, want, err string }{
		{"references and sections", `<x a="1 &lt; &#65;">t &amp; <![CDATA[<&amp;>]]></x>`, `<x a="1 < A">t & <&amp;></x>`, ""},
		{"declared entities stay unknown", `<!DOCTYPE x [<!ENTITY b "boom">]><x>&b;</x>`, `<x a="">&b;</x>`, ""},
		{"prefixes are dropped", `<n:x n:a='1'/>`, `<x a="1"></x>`, ""},
		{"a missing end is told with its line", "<x>\n<y>", `<x a=""><y a="">`, "line 2: unexpected EOF"},
		{"an end closes what is inside", "<x><y></x>", `<x a=""><y a=""></y></x>`, "line 1: </x> closes <y>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, x := range []*xmltok.Reader{xmltok.NewReader(strings.NewReader(test.text)), xmltok.NewReader(iotest.OneByteReader(strings.NewReader(test.text)))} {
				got, err := spell(x)
				assert.Equal(t, strings.ReplaceAll(got, "\n", ""), test.want)
				if test.err == "" {
					assert.NilError(t, err)
				} else {
					assert.Error(t, err, test.err)
				}
			}
		})
	}
}

// FuzzNext promises: no panic, an end for every start, and tokens that do not
// depend on how the bytes arrive.
func FuzzNext(f *testing.F) {
	f.Add(`<x a="1 &lt;">t<![CDATA[<]]></x>`)
	f.Add("<!DOCTYPE x [<!ENTITY b \"boom\">]><x>&b;<y></x>")
	f.Fuzz(func(t *testing.T, text string) {
		x := xmltok.NewReader(strings.NewReader(text))
		open := 0
		for {
			token, err := x.Next()
			switch token {
			case xmltok.Start:
				open++
			case xmltok.End:
				open--
			}
			if open < 0 {
				t.Fatal("an end without a start")
			}
			if token == xmltok.EOF {
				if err == nil && open != 0 {
					t.Fatalf("%d elements were left open without an error", open)
				}
				break
			}
		}
		slow, _ := spell(xmltok.NewReader(iotest.OneByteReader(strings.NewReader(text))))
		fast, _ := spell(xmltok.NewReader(strings.NewReader(text)))
		assert.Equal(t, slow, fast)
	})
}
