package baseline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Record is one line of the ledger: what one run of main reached. Figures are
// integers, because the text is what is hashed.
type Record struct {
	Schema   int         `json:"schema"`
	RunID    string      `json:"run_id"`
	Attempt  int         `json:"attempt,omitempty"`
	Commit   string      `json:"commit,omitempty"`
	Tree     string      `json:"tree,omitempty"`
	Branch   string      `json:"branch,omitempty"`
	Event    string      `json:"event,omitempty"`
	Series   string      `json:"series,omitempty"`
	Covered  int         `json:"covered"`
	Total    int         `json:"total"`
	High     *int        `json:"high,omitempty"`
	Critical *int        `json:"critical,omitempty"`
	Vulns    *VulnChange `json:"vulns,omitempty"` // of the vulnerability gate
	Verdict  string      `json:"verdict"`
	Time     string      `json:"time,omitempty"`     // RFC 3339, UTC; for people, never for the order
	Accepted string      `json:"accepted,omitempty"` // who accepted this level, and why
	Prev     string      `json:"prev"`               // Hash of the record before; Genesis for the first
	Hash     string      `json:"hash"`               // of the canonical text without this key
}

// Genesis is what the first record's Prev says.
const Genesis = "GENESIS"

// recordSchema is the version of the record's shape.
const recordSchema = 1

// When is the record's time; zero where it says none.
func (r Record) When() time.Time { return Instant(r.Time) }

// canonical is the text that is hashed: JSON with sorted keys and no spaces.
func (r Record) canonical() ([]byte, error) {
	keys := map[string]json.RawMessage{}
	if err := json.Unmarshal(encode(r), &keys); err != nil {
		return nil, err
	}
	delete(keys, "hash")
	return encode(keys), nil // encoding/json sorts the keys of a map
}

func (r Record) digest() (string, error) {
	text, err := r.canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// ParseLedger reads the ledger and verifies its chain: an edited, inserted,
// reordered or removed record is an error that names its line. Records that
// were cut off the end are not missed here; the history of the branch that holds
// the ledger is the witness of those.
func ParseLedger(data []byte) ([]Record, error) {
	var out []Record
	prev := Genesis
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if !bytes.HasSuffix(line, []byte("\n")) {
			return nil, fmt.Errorf("line %d: the line is not complete", n)
		}
		r, err := parseRecord(bytes.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if r.Prev != prev {
			return nil, fmt.Errorf("line %d: the chain is broken: the record follows %s, and the one before it is %s", n, abbreviated(r.Prev), abbreviated(prev))
		}
		digest, err := r.digest()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if digest != r.Hash {
			return nil, fmt.Errorf("line %d: the record was edited: its text has the hash %s, and it says %s", n, abbreviated(digest), abbreviated(r.Hash))
		}
		out = append(out, r)
		prev = r.Hash
	}
	return out, nil
}

// parseRecord refuses keys that it does not know: they would not be hashed.
func parseRecord(line []byte) (r Record, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, err
	}
	if dec.More() {
		return r, errors.New("something follows the record")
	}
	if r.Schema != recordSchema {
		return r, fmt.Errorf("schema %d is not known here", r.Schema)
	}
	if r.Covered < 0 || r.Total < 0 || r.Covered > r.Total {
		return r, fmt.Errorf("%d of %d is no coverage", r.Covered, r.Total)
	}
	return r, nil
}

func abbreviated(hash string) string {
	if len(hash) > 12 {
		return strings.ToValidUTF8(hash[:12], "?")
	}
	return hash
}

// Append chains a record to the ledger. A run that is there already changes
// nothing, whichever attempt it is: the bytes come back as they were.
func Append(ledger []byte, r Record) (out []byte, added bool, err error) {
	records, err := ParseLedger(ledger)
	if err != nil {
		return nil, false, err
	}
	r.Schema, r.Prev = recordSchema, Genesis
	for _, old := range records {
		if old.RunID == r.RunID && old.Series == r.Series && (old.Accepted == "") == (r.Accepted == "") {
			return ledger, false, nil
		}
		r.Prev = old.Hash
	}
	if r.Hash, err = r.digest(); err != nil {
		return nil, false, err
	}
	line := append(encode(r), '\n')
	return append(bytes.Clone(ledger), line...), true, nil
}
