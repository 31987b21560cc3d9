package workflow

import (
	"strconv"
	"strings"
)

// Adopt is the table with what a workflow already uses, where that is the newer
// version: what "init --update-pins" has brought stays when init runs again.
func Adopt(pins []Pin, used []Use) []Pin {
	out := make([]Pin, len(pins))
	copy(out, pins)
	for i, p := range out {
		for _, u := range used {
			if u.Action == p.Action && u.SHA != "" && major(u.Version) == major(p.Version) && Older(p.Version, u.Version) {
				out[i].SHA, out[i].Version, out[i].Date = u.SHA, u.Version, ""
			}
		}
	}
	return out
}

// Older compares two versions such as v1.2.3 by their numbers.
func Older(a, b string) bool {
	x, y := numbers(a), numbers(b)
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

// SameMajor: inputs and outputs of an action may change with its first number
// only, so that only those updates are taken without reading.
func SameMajor(a, b string) bool { return major(a) == major(b) }

func major(version string) int { return numbers(version)[0] }

func numbers(version string) (out [3]int) {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "-")
	for i, part := range strings.SplitN(version, ".", 3) {
		out[i], _ = strconv.Atoi(part)
	}
	return out
}
