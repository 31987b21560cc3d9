package broken

import "testing"

func TestSize(t *testing.T) { Size() }
