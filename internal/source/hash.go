package source

import (
	"encoding/binary"
	"math/bits"
)

// digest folds tokens into 64 bits: wyhash's multiply-and-fold, whose constants
// these are. Stored hashes of one version of the program are compared with
// those of the next, so the function must not change.
type digest uint64

const (
	mixA = 0xa0761d6478bd642f
	mixB = 0xe7037ed1a0b428db
)

func (d *digest) word(w uint64) {
	hi, lo := bits.Mul64(uint64(*d)^w^mixA, mixB^w>>32|1)
	*d = digest(hi ^ lo ^ bits.RotateLeft64(uint64(*d), 29))
}

// bytes folds the text of a token; its length keeps "ab c" and "a bc" apart.
// Most tokens are shorter than a word and take one step.
func (d *digest) bytes(b []byte) {
	n := uint64(len(b))
	for len(b) >= 8 {
		d.word(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	var last uint64
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	d.word(last | n<<56)
}

// Marks of structure, which has no text of its own.
const (
	markStatement = 0x1000000000000001 + iota
	markOpen
	markClose
	markDefinition
)
