package workflow

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Pin is one action at one commit. A tag can be moved, and in March 2026 the
// tags of trivy-action were (GHSA-69fq-xp46-6x23); a commit cannot.
type Pin struct {
	Action  string          `json:"action"` // owner/name
	Version string          `json:"version"`
	SHA     string          `json:"sha"`
	Date    string          `json:"date"` // of the commit, 2006-01-02
	Uses    map[string]Face `json:"uses"` // by folder in the action's repository
}

// Face is what an action takes and gives at that commit. Linters know inputs
// only of actions that are named by tag, so we keep our own.
type Face struct {
	Inputs   []string `json:"inputs"`
	Required []string `json:"required"`
	Outputs  []string `json:"outputs"`
}

//go:embed pins.json
var pinsJSON []byte

// Pins is the table of actions that the generator may use.
var Pins = sync.OnceValue(func() []Pin {
	var pins []Pin
	if err := json.Unmarshal(pinsJSON, &pins); err != nil {
		panic(fmt.Sprintf("pins.json: %v", err)) // it is part of the program
	}
	return pins
})

// Age is how old the pinned commit is.
func (p Pin) Age(now time.Time) time.Duration {
	at, err := time.Parse(time.DateOnly, p.Date)
	if err != nil {
		return 0
	}
	return now.Sub(at)
}

// pinOf finds the pin of "owner/name" or "owner/name/folder".
func pinOf(pins []Pin, uses string) (pin Pin, folder string, ok bool) {
	parts := strings.SplitN(uses, "/", 3)
	if len(parts) < 2 {
		return Pin{}, "", false
	}
	if len(parts) == 3 {
		folder = parts[2]
	}
	i := slices.IndexFunc(pins, func(p Pin) bool { return p.Action == parts[0]+"/"+parts[1] })
	if i < 0 {
		return Pin{}, "", false
	}
	_, ok = pins[i].Uses[folder]
	return pins[i], folder, ok
}

// FaceOf is what an action of the table takes and gives; uses has no commit.
func FaceOf(uses string) (Face, bool) {
	pin, folder, ok := pinOf(Pins(), uses)
	return pin.Uses[folder], ok
}
