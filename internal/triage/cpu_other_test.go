//go:build !unix

package triage_test

import "time"

func cpu() time.Duration { return 0 }
