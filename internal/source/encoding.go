package source

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// decode makes source text something to scan byte by byte: without a byte order
// mark, and with no byte below 0x80 that is the second half of a character.
// Every encoding that Python takes for source is a superset of ASCII, so the
// structure of a file is there to read without decoding the rest.
func decode(src []byte) (text []byte, latin bool) {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	switch name := cookie(src); {
	case trailing[name]:
		return maskTrailing(src), true
	case name == "" || strings.HasPrefix(name, "utf"):
		return src, false
	}
	return src, true
}

// trailing are the encodings whose second bytes may look like ASCII, such as the
// backslash in Shift JIS.
var trailing = map[string]bool{
	"shift-jis": true, "shiftjis": true, "sjis": true, "cp932": true, "ms932": true, "shift-jis-2004": true,
	"big5": true, "cp950": true, "big5hkscs": true, "gbk": true, "cp936": true, "gb18030": true, "cp949": true, "johab": true,
}

func maskTrailing(src []byte) []byte {
	out := bytes.Clone(src)
	for i := 0; i+1 < len(out); i++ {
		if out[i] >= 0x81 && out[i] != 0xff {
			i++
			if out[i] >= 0x30 {
				out[i] |= 0x80
			}
		}
	}
	return out
}

// cookie is the encoding that one of the first two lines declares (PEP 263:
// ^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)), lower case, "_" as "-".
func cookie(src []byte) string {
	for range 2 {
		line, rest, _ := bytes.Cut(src, []byte("\n"))
		line = bytes.TrimLeft(line, " \t\f")
		if len(line) > 0 && line[0] != '#' && line[0] != '\r' {
			return ""
		}
		if name := cookieOf(line[:min(len(line), 400)]); name != "" {
			return name
		}
		src = rest
	}
	return ""
}

func cookieOf(line []byte) string {
	for {
		_, after, found := bytes.Cut(line, []byte("coding"))
		if !found {
			return ""
		}
		line = after
		if len(after) == 0 || after[0] != ':' && after[0] != '=' {
			continue
		}
		after = bytes.TrimLeft(after[1:], " \t")
		n := 0
		for n < len(after) && (class[after[n]]&isWord != 0 && after[n] < 0x80 || after[n] == '-' || after[n] == '.') {
			n++
		}
		if n > 0 {
			return strings.ReplaceAll(strings.ToLower(string(after[:n])), "_", "-")
		}
	}
}

// text is a piece of the source as a string. What is not UTF-8 is read as Latin-1.
func (s *python) text(b []byte) string {
	if !s.latin && utf8.Valid(b) {
		return string(b)
	}
	ascii := true
	for _, c := range b {
		ascii = ascii && c < 0x80
	}
	if ascii {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
