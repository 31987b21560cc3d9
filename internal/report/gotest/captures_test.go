package gotest_test

import (
	"testing"

	"keepgreen/internal/report"
	"keepgreen/internal/report/reporttest"
)

// TestCaptures reads what the go command printed about testdata/project;
// testdata/capture.sh makes it anew.
func TestCaptures(t *testing.T) { reporttest.Captures(t, "gotest", report.Read) }
