package render

import "io"

// ArchHTML writes the map of the code.
func ArchHTML(w io.Writer, v ArchView) error { return nil }
