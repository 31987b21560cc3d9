package forensics

import (
	"fmt"
)

// places is where the hashes that a suspect line deals with occur in its file.
// Of each only the first place other than the line itself is kept; 0: nowhere.
type places struct {
	copyOf    int // a record with its curr_hash
	successor int // a record that follows the hash it ought to follow
	continued int // the record whose curr_hash is its prev_hash
	accepted  int // a record that follows what its content hashes to
}

// explain reads the file again to say what happened at the first bad line.
func (v *verifier) explain(f File, got *FileResult, s *suspect) error {
	if s.fault == FaultSignature {
		return nil
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	var at places
	note := func(place *int, n int, yes bool) {
		if yes && *place == 0 && n != s.line {
			*place = n
		}
	}
	err = eachLine(in, v.options.MaxRecord, func(n int, line []byte, end ending) error {
		if end == tooLong {
			return nil
		}
		c := v.check(line, nil, false)
		if c.fault != nil {
			return nil
		}
		note(&at.copyOf, n, string(c.curr) == s.curr)
		note(&at.successor, n, string(c.prev) == s.last && c.hash == "")
		note(&at.continued, n, string(c.curr) == s.prev)
		note(&at.accepted, n, s.hash != "" && string(c.prev) == s.hash)
		return nil
	})
	if err != nil {
		return err
	}
	got.Fault, got.What = s.tell(at)
	return nil
}

// tell is the fault and its sentence, given where the hashes occur.
func (s *suspect) tell(at places) (Fault, string) {
	if s.hash != "" {
		switch {
		case s.restored:
			return FaultTampered, "was changed after it was written: its prev_hash is not that of the line before"
		case at.accepted > 0:
			return FaultTampered, "was changed after it was written: its curr_hash is not that of its content"
		}
		return s.fault, s.what
	}
	switch {
	case at.copyOf > 0 && at.copyOf < s.line:
		return FaultDuplicate, fmt.Sprintf("repeats line %d", at.copyOf)
	case at.successor > s.line:
		return FaultReordered, fmt.Sprintf("stands before line %d, which belongs here", at.successor)
	case s.last == Genesis && at.continued > 0:
		return FaultReordered, fmt.Sprintf("stands first, and belongs behind line %d", at.continued)
	case s.last == Genesis:
		return FaultDeleted, "stands first and does not begin the chain: the lines before it were deleted"
	case at.continued > 0 && at.continued < s.line-1:
		return FaultInserted, fmt.Sprintf("continues line %d: what stands between was put in or rewritten later", at.continued)
	case at.continued > s.line:
		return FaultReordered, fmt.Sprintf("stands before line %d, which it continues", at.continued)
	}
	return FaultDeleted, "does not continue the line before: lines between them were deleted, or the line before was rewritten"
}
