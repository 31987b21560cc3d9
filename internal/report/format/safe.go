package format

import "unicode/utf8"

// Safe is a text in the form in which it may be kept and shown: see AppendSafe.
func Safe(text string) string { return string(AppendSafe(nil, []byte(text))) }

// AppendSafe appends text whose bytes that are no UTF-8 become U+FFFD and whose
// control characters are spelled "#x1B", as pytest does, so that nothing of a
// report reaches a terminal as a command.
func AppendSafe(dst, text []byte) []byte {
	for len(text) > 0 {
		i := plain(text)
		dst = append(dst, text[:i]...)
		if text = text[i:]; len(text) == 0 {
			break
		}
		r, n := utf8.DecodeRune(text)
		dst = AppendSafeRune(dst, r)
		text = text[n:]
	}
	return dst
}

// plain is the length of the start of text that stands for itself.
func plain(text []byte) int {
	for i, c := range text {
		if c >= 0x7f || c < 0x20 && c != '\n' && c != '\t' {
			return i
		}
	}
	return len(text)
}

// AppendSafeRune appends one character as AppendSafe does. Carriage returns go:
// what is kept knows one line end.
func AppendSafeRune(dst []byte, r rune) []byte {
	switch {
	case r == '\r':
		return dst
	case r < 0x20 && r != '\n' && r != '\t', r == 0x7f:
		const hex = "0123456789ABCDEF"
		return append(dst, '#', 'x', hex[r>>4], hex[r&15])
	}
	return utf8.AppendRune(dst, r)
}
