package setup

import (
	"testing"

	"example.com/absent/thing"
)

func TestThing(t *testing.T) { thing.Do() }
