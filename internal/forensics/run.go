package forensics

import "encoding/binary"

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// run is the length of the stretch at the beginning of s that needs no look:
// no quote, no backslash, no control character. It looks at eight bytes at a
// time, by the well-known test for a byte that is less than, or equal to,
// another (S. E. Anderson, Bit Twiddling Hacks).
func run(s []byte) int {
	n := 0
	for len(s)-n >= 8 {
		x := binary.LittleEndian.Uint64(s[n:])
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		if ((quote-ones)&^quote|(slash-ones)&^slash|(x-ones*' ')&^x)&highs != 0 {
			break
		}
		n += 8
	}
	for n < len(s) && s[n] != '"' && s[n] != '\\' && s[n] >= ' ' {
		n++
	}
	return n
}
