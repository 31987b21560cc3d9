package forensics

import (
	"bytes"
	"encoding/binary"
)

// key is a key as it was read, and what is known of it. The lines of a log are
// much alike, so that each key remembers which one followed it last: where the
// same bytes follow again, they need not be read.
type key struct {
	read      []byte // from the quote to the colon and the space behind it
	canonical []byte // the key with its quotes and the colon
	name      []byte // the key itself
	head      uint64 // the first eight bytes of name, to compare most keys at once
	field     named
	next      *key // the key that followed in the same object
	child     *key // the first key of an object in its value
}

// maxKeys is how many keys are remembered, so that a log with ever new keys
// needs no more memory.
const maxKeys = 4096

// named are the keys that the chain knows.
type named uint8

const (
	unnamed named = iota
	prevHash
	currHash
	signature
	eventType
	prevFile
	prevLast
)

var names = map[string]named{
	"prev_hash": prevHash, "curr_hash": currHash, "hmac": signature,
	"event_type": eventType, "prev_file": prevFile, "prev_file_last_hash": prevLast,
}

// key reads a key and its colon, most often by the guess.
func (w *writer) key(guess *key) (*key, error) {
	if guess != nil && bytes.HasPrefix(w.in[w.at:], guess.read) {
		w.at += len(guess.read)
		return guess, nil
	}
	if w.at >= len(w.in) || w.in[w.at] != '"' {
		return nil, w.wrong("expected a key")
	}
	from, start := w.at, len(w.out)
	if err := w.text(); err != nil {
		return nil, err
	}
	canonical := w.out[start:]
	w.out = w.out[:start]
	w.space()
	if w.at >= len(w.in) || w.in[w.at] != ':' {
		return nil, w.wrong("expected :")
	}
	w.at++
	if w.at < len(w.in) && w.in[w.at] == ' ' {
		w.at++
	}
	read := w.in[from:w.at]
	if known := w.keys[string(read)]; known != nil {
		return known, nil
	}
	k := &key{read: bytes.Clone(read), canonical: append(bytes.Clone(canonical), ':'), name: plain(nil, canonical)}
	k.head, k.field = head(k.name), names[string(k.name)]
	w.keys[string(read)] = k
	return k, nil
}

// head is the first eight bytes of a key as a number of the same order. A key
// that is shorter is filled up with zeros; where that makes two keys equal, the
// names themselves are compared.
func head(name []byte) uint64 {
	var first [8]byte
	copy(first[:], name)
	return binary.BigEndian.Uint64(first[:])
}
