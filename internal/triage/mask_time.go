package triage

const (
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
	dayNames   = "MonTueWedThuFriSatSun"
)

// timestamp is the end of a date, a time of day, or a date with its time, that
// begins at i; 0: there is none.
func (m *masker) timestamp(i int) int {
	if end := m.clock(i); end > 0 {
		return end
	}
	end := m.date(i)
	if end == 0 {
		return 0
	}
	j := end
	if c := m.at(j); c == 'T' || c == ' ' || c == '-' || c == ':' || c == '_' || c == '.' {
		j++
	}
	if t := m.clock(j); t > 0 {
		return t
	}
	return end
}

// date matches 2024-05-01, 2024/05/01, 01/May/2024, 05/01/2024, 2024.05.01.
func (m *masker) date(i int) int {
	first := m.span(i, cDigit)
	sep := m.at(first)
	if sep != '-' && sep != '/' && sep != '.' {
		return 0
	}
	year := first - i
	if year != 4 && year != 2 {
		return 0
	}
	second := m.span(first+1, cDigit)
	if second == first+1 && m.named(first+1, monthNames) {
		second = first + 4
	}
	if w := second - first - 1; w < 2 && year == 4 || w < 1 || w > 3 || m.at(second) != sep {
		return 0
	}
	end := m.span(second+1, cDigit)
	w := end - second - 1
	switch {
	case year == 4 && w == 2:
	case year == 2 && w == 4 && sep != '.':
	case year == 2 && w == 2 && sep == '/':
	default:
		return 0
	}
	if is(m.at(end), cLower|cUpper|cUnder) && m.at(end) != 'T' && m.at(end) != '_' {
		return 0
	}
	return end
}

// clock matches 12:34:56 with fraction and zone, and 12:34 only with seconds.
func (m *masker) clock(i int) int {
	a := m.span(i, cDigit)
	if a == i || a-i > 2 || m.at(a) != ':' {
		return 0
	}
	b := m.span(a+1, cDigit)
	if b-a-1 != 2 || m.at(b) != ':' {
		return 0
	}
	end := m.span(b+1, cDigit)
	if end-b-1 != 2 || m.at(end) == ':' && is(m.at(end+1), cHex) && is(m.at(end+2), cHex) {
		return 0
	}
	if c := m.at(end); (c == '.' || c == ',') && is(m.at(end+1), cDigit) {
		end = m.span(end+1, cDigit)
	}
	return m.zone(end)
}

// zone takes "Z", "+0200", "+02:00" or " UTC" along.
func (m *masker) zone(end int) int {
	switch c := m.at(end); {
	case c == 'Z' && !is(m.at(end+1), cWord):
		return end + 1
	case (c == '+' || c == '-') && m.span(end+1, cDigit) == end+5:
		return end + 5
	case (c == '+' || c == '-') && m.span(end+1, cDigit) == end+3 && m.at(end+3) == ':' && m.span(end+4, cDigit) == end+6:
		return end + 6
	case c == ' ' && end+4 <= len(m.src) && string(m.src[end:end+4]) == " UTC" && !is(m.at(end+4), cWord):
		return end + 4
	}
	return end
}

// named reports whether the three bytes at i are one of the names.
func (m *masker) named(i int, names string) bool {
	if i+3 > len(m.src) || is(m.at(i+3), cWord) {
		return false
	}
	w := m.src[i : i+3]
	for j := 0; j < len(names); j += 3 {
		if names[j] == w[0] && names[j+1] == w[1] && names[j+2] == w[2] {
			return true
		}
	}
	return false
}

// namedDate matches "Jun 12 10:22:33 2024", "Mon Jun 12 10:22:33", "Mon, 12 Jun 2023 …".
func (m *masker) namedDate(i int) int {
	j := i
	if m.named(j, dayNames) {
		j += 3
		if m.at(j) == ',' {
			j++
		}
		j = m.blanks(j)
	}
	if is(m.at(j), cDigit) && j > i { // 12 Jun 2023
		k := m.span(j, cDigit)
		if j = m.blanks(k); j == k || !m.named(j, monthNames) {
			return 0
		}
		return m.dateTail(m.blanks(j + 3))
	}
	if !m.named(j, monthNames) {
		return 0
	}
	k := m.blanks(j + 3)
	day := m.span(k, cDigit)
	if k == j+3 || day == k || day-k > 2 || is(m.at(day), cWord) {
		return 0
	}
	return m.dateTail(day)
}

// dateTail takes the year and the time after a day along.
func (m *masker) dateTail(end int) int {
	for {
		j := end
		if m.at(j) == ',' {
			j++
		}
		j = m.blanks(j)
		if t := m.clock(j); t > 0 {
			end = t
			continue
		}
		if y := m.span(j, cDigit); y-j == 4 && !is(m.at(y), cWord) && (m.src[j] == '2' || m.src[j] == '1') {
			end = y
			continue
		}
		return end
	}
}

func (m *masker) blanks(i int) int {
	for m.at(i) == ' ' {
		i++
	}
	return i
}
