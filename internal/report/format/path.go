package format

import "strings"

func SlashPath(path string) string {
	if strings.IndexByte(path, '\\') < 0 {
		return path
	}
	return strings.ReplaceAll(path, `\`, "/")
}

// SamePath: equal, or one is absolute and ends in the other.
func SamePath(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if a == b {
		return true
	}
	absolute := strings.HasPrefix(a, "/") || len(a) > 2 && a[1] == ':' && a[2] == '/'
	return absolute && b != "" && strings.HasSuffix(a, "/"+strings.TrimPrefix(b, "/"))
}
