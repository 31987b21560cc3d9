package cli

import (
	"io"
	"os"

	"keepgreen/internal/render"
)

// tellForge writes what GitHub Actions shows of a step: annotations among its
// output, the summary page, and the outputs for later steps. Elsewhere it does
// nothing. The files are appended to, as the runner asks.
func (s *session) tellForge(view render.View, outputs ...render.Output) error {
	if s.Env["GITHUB_ACTIONS"] == "true" {
		// Annotations go to standard error: standard output may be a document.
		if err := render.Annotations(s.Stderr, view); err != nil {
			return noAnswerf("", "annotations: %w", err)
		}
	}
	if path := s.Env["GITHUB_STEP_SUMMARY"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.StepSummary(w, view) }); err != nil {
			return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	if path := s.Env["GITHUB_OUTPUT"]; path != "" && len(outputs) > 0 {
		if err := appendFile(path, func(w io.Writer) error { return render.Outputs(w, outputs) }); err != nil {
			return noAnswerf("", "GITHUB_OUTPUT: %w", err)
		}
	}
	return nil
}

func appendFile(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return finish(file, write)
}
