package vetted

import "testing"

func TestFormat(t *testing.T) { t.Errorf("%d blocks", "three") }
