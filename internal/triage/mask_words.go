package triage

// word handles a word that begins with a letter or an underscore.
func (m *masker) word() {
	i := m.i
	end := i
	var seen uint8
	for end < len(m.src) && class[m.src[end]]&cWord != 0 {
		seen |= class[m.src[end]]
		end++
	}
	if m.glued(end) {
		m.numbered(end)
		return
	}
	n := end - i
	next := m.at(end)
	if next == '@' || next == '.' || next == '+' || next == '-' {
		if t := m.isMail(end); t > 0 {
			m.emit("<mail>", t)
			return
		}
	}
	if n == 3 && is(m.src[i], cUpper) {
		if t := m.namedDate(i); t > 0 {
			m.emit("<time>", t)
			return
		}
	}
	if n == 1 && next == ':' && (m.at(end+1) == '\\' || m.at(end+1) == '/') && is(m.at(end+2), cPath) && !is(m.prev(), cWord) {
		m.drive(end + 1)
		return
	}
	if next == ':' && n <= 4 && m.span(i, cHex) == end {
		if t := m.colons(i); t > 0 {
			m.emit("<ip>", t)
			return
		}
	}
	if seen&cDigit == 0 {
		if n >= 16 && m.hash(i, end) {
			m.emit("<hex>", end)
			return
		}
		m.copyTo(end)
		return
	}
	m.mixed(i, end)
}

// mixed handles a word of letters and digits.
func (m *masker) mixed(i, end int) {
	n := end - i
	switch {
	case n == 8 && m.uuid(i):
		m.emit("<uuid>", i+36)
	case m.hash(i, end):
		m.emit("<hex>", end)
	case m.src[i] == 'v' && m.span(i+1, cDigit) == end && m.at(end) == '.' && is(m.at(end+1), cDigit):
		m.emit("<ver>", m.versionTail(end))
	case n >= 20 && m.scrambled(i, end):
		m.emit("<b64>", m.base64Tail(end))
	case m.worker(i, end):
		m.copyTo(i + 2)
		m.emit("<n>", end)
	default:
		m.numbered(end)
	}
}

// worker recognises pytest-xdist's "gw3", whose number is chance.
func (m *masker) worker(i, end int) bool {
	return end-i <= 5 && m.src[i] == 'g' && m.src[i+1] == 'w' && m.span(i+2, cDigit) == end
}

// numbered copies a word and masks the numbers in it that look counted: after an
// underscore, or of four digits and more. "int32" and "E501" stay what they are.
func (m *masker) numbered(end int) {
	for m.i < end {
		if !is(m.src[m.i], cDigit) {
			m.dst = append(m.dst, m.src[m.i])
			m.i++
			continue
		}
		stop := m.span(m.i, cDigit)
		whole := stop == end || m.src[stop] == '_'
		if m.prev() == '_' && whole || stop-m.i >= 4 {
			m.emit("<n>", stop)
			continue
		}
		m.copyTo(stop)
	}
}

// scrambled counts how often a word changes between lower case, upper case and
// digits: names change rarely, base64 all the time.
func (m *masker) scrambled(i, end int) bool {
	changes, digits := 0, 0
	for j := i; j < end; j++ {
		if is(m.src[j], cUnder) {
			return false
		}
		if is(m.src[j], cDigit) {
			digits++
		}
		if j > i && class[m.src[j]]&(cDigit|cLower|cUpper) != class[m.src[j-1]]&(cDigit|cLower|cUpper) {
			changes++
		}
	}
	return digits >= 2 && changes*3 >= end-i
}

func (m *masker) base64Tail(end int) int {
	for end < len(m.src) {
		c := m.src[end]
		if c == '=' || (c == '+' || c == '/') && is(m.at(end+1), cWord) || is(c, cWord) {
			end++
			continue
		}
		return end
	}
	return end
}

// isMail is the end of an e-mail address whose local part has a word that ends
// at end; 0: it is none.
func (m *masker) isMail(end int) int {
	j := end
	for j < len(m.src) && j < end+64 && m.src[j] != '@' {
		if c := m.src[j]; !is(c, cWord) && c != '.' && c != '+' && c != '-' {
			return 0
		}
		j++
	}
	if m.at(j) != '@' {
		return 0
	}
	host := j + 1
	dot := false
	for j = host; j < len(m.src); j++ {
		c := m.src[j]
		if c == '.' && is(m.at(j+1), cLower|cUpper) {
			dot = true
			continue
		}
		if !is(c, cWord) && c != '-' {
			break
		}
	}
	if !dot || j == host || !is(m.src[host], cWord) {
		return 0
	}
	return j
}

// drive masks a Windows path; slash is where its first separator stands.
func (m *masker) drive(slash int) {
	at := m.i
	j, last, segments := slash, slash, 0
	for j < len(m.src) && (m.src[j] == '\\' || m.src[j] == '/') {
		k := m.span(j+1, cPath)
		if k == j+1 {
			break
		}
		segments++
		last = j
		j = k
	}
	if segments == 0 {
		m.copyTo(at + 1)
		return
	}
	m.emit("<path>", last)
	m.dst = append(m.dst, '/')
	m.i++
}
