package triage

// digit handles a word that begins with a digit: the most telling shape wins.
func (m *masker) digit() {
	i := m.i
	end := m.span(i, cWord)
	n := end - i
	digits := m.span(i, cDigit)
	switch {
	case m.glued(end):
		m.number(i)
		return
	case n == 8 && m.uuid(i):
		m.emit("<uuid>", i+36)
		return
	case m.src[i] == '0' && n > 2 && (m.src[i+1]|0x20) == 'x' && m.span(i+2, cHex) == end:
		m.emit("<hex>", end)
		return
	}
	if t := m.timestamp(i); t > 0 {
		m.emit("<time>", t)
		return
	}
	if t := m.address(i); t > 0 {
		m.emit("<ip>", t)
		return
	}
	if digits < end && m.hash(i, end) {
		m.emit("<hex>", end)
		return
	}
	if m.isMail(end) > 0 {
		m.emit("<mail>", m.isMail(end))
		return
	}
	m.number(i)
}

// sign masks a sign together with its number, where it cannot be a hyphen or an operator.
func (m *masker) sign() {
	p := m.prev()
	if is(m.at(m.i+1), cDigit) && !is(p, cWord) && p != '-' && p != '+' && p != '>' && p != ')' && p != ']' && p != '.' {
		sign := m.i
		m.i++
		at := len(m.dst)
		m.digit()
		// Only numbers have signs; before anything else it was a dash.
		if len(m.dst) >= at+3 && string(m.dst[at:at+3]) == "<n>" || len(m.dst) < at {
			return
		}
		if len(m.dst) == at { // joined the mark that stood before it
			return
		}
		m.dst = append(m.dst, 0)
		copy(m.dst[at+1:], m.dst[at:])
		m.dst[at] = m.src[sign]
		return
	}
	m.copyTo(m.i + 1)
}

// number masks what begins with a digit and is no other shape: integers,
// decimals, exponents, thousands, versions, durations, sizes, ordinals.
func (m *masker) number(i int) {
	end := m.span(i, cDigit)
	dots := 0
	for end+1 < len(m.src) {
		c := m.src[end]
		if c == '.' && is(m.src[end+1], cDigit) {
			dots++
		} else if c != ',' || dots > 0 || m.depth > 0 || !m.thousands(end) {
			break
		}
		end = m.span(end+1, cDigit)
	}
	if dots >= 2 {
		m.emit("<ver>", m.versionTail(end))
		return
	}
	if end < len(m.src) && m.src[end] == '.' && !is(m.at(end+1), cWord) && m.at(end+1) != '.' && m.at(end+1) != '<' && (is(m.at(end+1), cClose) || m.at(end+1) == ',') {
		end++ // 1. as numpy prints it
	}
	if c := m.at(end) | 0x20; c == 'e' {
		j := end + 1
		if m.at(j) == '-' || m.at(j) == '+' {
			j++
		}
		if is(m.at(j), cDigit) && !is(m.at(m.span(j, cDigit)), cWord) {
			m.emit("<n>", m.span(j, cDigit))
			return
		}
	}
	m.unit(end)
}

// thousands reports whether a comma at i is followed by exactly three digits.
func (m *masker) thousands(i int) bool {
	return m.span(i+1, cDigit) == i+4 && !is(m.at(i+4), cWord)
}

// versionTail takes a version's suffix along: "-rc1", ".dev0+g12ab".
func (m *masker) versionTail(end int) int {
	for end < len(m.src) {
		c := m.src[end]
		switch {
		case is(c, cWord):
			end = m.span(end, cWord)
		case (c == '.' || c == '-' || c == '+') && is(m.at(end+1), cWord):
			if c == '.' && m.isFileSuffix(end) {
				return end
			}
			end = m.span(end+1, cWord)
		default:
			return end
		}
	}
	return end
}

// isFileSuffix tells "1.2.3.tar.gz" from "1.2.3.dev0": suffixes of files have no digit.
func (m *masker) isFileSuffix(dot int) bool {
	stop := m.span(dot+1, cWord)
	return m.span(dot+1, cLower|cUpper) == stop
}

var durations = []string{"ns", "us", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes", "h", "hr", "hrs", "hour", "hours", "d", "day", "days"}

// unit looks at the letters that follow a number.
func (m *masker) unit(end int) {
	stop := m.span(end, cWord)
	if stop == end {
		m.emit("<n>", end)
		return
	}
	letters := m.span(end, cLower|cUpper)
	word := m.src[end:letters]
	for _, d := range durations {
		if string(word) == d {
			m.emit("<dur>", m.durationTail(letters))
			return
		}
	}
	if letters == stop && len(word) <= 3 && isSize(word) {
		m.emit("<n>", end)
		m.copyTo(stop)
		return
	}
	m.emit("<id>", stop)
}

// durationTail takes the rest of a compound duration along: "1m30.5s".
func (m *masker) durationTail(end int) int {
	for is(m.at(end), cDigit) {
		j := m.span(end, cDigit)
		if m.at(j) == '.' && is(m.at(j+1), cDigit) {
			j = m.span(j+1, cDigit)
		}
		k := m.span(j, cLower)
		if k == j {
			return j
		}
		end = k
	}
	return m.span(end, cWord)
}

func isSize(w []byte) bool {
	if len(w) == 0 {
		return false
	}
	switch w[0] | 0x20 {
	case 'k', 'm', 'g', 't', 'p', 'b':
		return len(w) == 1 || w[len(w)-1]|0x20 == 'b'
	}
	return false
}

// hash reports whether a word is a digest: only hex digits, seven or more, letters and digits mixed.
func (m *masker) hash(i, end int) bool {
	if end-i < 7 {
		return false
	}
	var seen uint8
	for _, c := range m.src[i:end] {
		if !is(c, cHex) {
			return false
		}
		seen |= class[c]
	}
	return seen&cDigit != 0 || end-i >= 16
}

func (m *masker) uuid(i int) bool {
	if i+36 > len(m.src) || is(m.at(i+36), cWord) {
		return false
	}
	for j, c := range m.src[i : i+36] {
		if j == 8 || j == 13 || j == 18 || j == 23 {
			if c != '-' {
				return false
			}
		} else if !is(c, cHex) {
			return false
		}
	}
	return true
}

// address matches IPv4 with an optional port, and colon-separated hex (IPv6, MAC).
func (m *masker) address(i int) int {
	j := i
	for group := range 4 {
		k := m.span(j, cDigit)
		if k == j || k-j > 3 {
			return m.colons(i)
		}
		j = k
		if group < 3 {
			if m.at(j) != '.' {
				return m.colons(i)
			}
			j++
		}
	}
	if is(m.at(j), cWord) || m.at(j) == '.' && is(m.at(j+1), cWord) || m.at(j) == '-' && is(m.at(j+1), cWord) || m.at(j) == '+' {
		return 0 // a version of four parts
	}
	if m.at(j) == ':' && is(m.at(j+1), cDigit) {
		j = m.span(j+1, cDigit)
	}
	return j
}

// colons matches groups of up to four hex digits between at least two colons,
// with a digit among them: IPv6 and MAC addresses.
func (m *masker) colons(i int) int {
	j, colons, digits, long := i, 0, false, 0
	for j < len(m.src) {
		c := m.src[j]
		if c == ':' {
			if !is(m.at(j+1), cHex) && m.at(j+1) != ':' {
				break
			}
			if colons++; colons > 8 {
				return 0
			}
			long = 0
			j++
			continue
		}
		if !is(c, cHex) {
			break
		}
		if long++; long > 4 {
			return 0
		}
		digits = digits || is(c, cDigit)
		j++
	}
	if colons < 2 || !digits || is(m.at(j), cWord) || m.src[j-1] == ':' {
		return 0
	}
	return j
}

// colon begins an IPv6 address that begins with "::".
func (m *masker) colon() {
	if m.at(m.i+1) == ':' && !is(m.prev(), cWord) && m.prev() != ':' && is(m.at(m.i+2), cHex) {
		if end := m.colons(m.i); end > 0 {
			m.emit("<ip>", end)
			return
		}
	}
	m.copyTo(m.i + 1)
}

// slash masks an absolute path down to its last segment.
func (m *masker) slash() {
	p := m.prev()
	if is(p, cWord) || p == '>' || p == '.' || p == '/' || p == ':' && m.at(m.i+1) == '/' || p == '*' || p == '-' {
		m.copyTo(m.i + 1)
		return
	}
	m.path(m.i)
}

// path emits <path> for all but the last segment of the path whose first slash is at i.
func (m *masker) path(i int) {
	j, last, segments := i, i, 0
	for j < len(m.src) && (m.src[j] == '/' || m.src[j] == '\\') {
		k := m.span(j+1, cPath)
		if k == j+1 {
			break
		}
		segments++
		last = j
		j = k
	}
	if segments < 2 {
		m.copyTo(m.i + 1)
		return
	}
	m.emit("<path>", last)
	m.dst = append(m.dst, '/')
	m.i++
}

// longQuote is the longest quoted text that is kept as it is.
const longQuote = 64

// quote opens or closes a quoted text; what turns out long when it closes is
// replaced. The masked text is measured, because a second pass would see that.
func (m *masker) quote(q byte) {
	p := m.prev()
	switch {
	case p == '\\':
	case m.open > 0 && q == m.dst[m.open-1]:
		if len(m.dst)-m.open > longQuote {
			m.dst = append(m.dst[:m.open+verb(m.dst[m.open:])], "<str>"...)
		}
		m.open = 0
	case m.open == 0 && !is(p, cWord) && p != '>': // not an apostrophe
		m.dst = append(m.dst, q)
		m.i++
		m.open = len(m.dst)
		return
	}
	m.copyTo(m.i + 1)
}

// verb is the length of the first word of a quoted text with its blank, where
// that is a plain word: it says what the text is ("GET …", "SELECT …").
func verb(text []byte) int {
	for i, c := range text[:min(len(text), 17)] {
		if c == ' ' && i > 0 {
			return i + 1
		}
		if !is(c, cLower|cUpper) {
			break
		}
	}
	return 0
}
