package vuln

import (
	"net/url"
	"strings"
)

// ecosystems maps the names that OSV uses to the types of package URLs
// (https://ossf.github.io/osv-schema/#defined-ecosystems).
var ecosystems = map[string]string{
	"npm": "npm", "pypi": "pypi", "go": "golang", "maven": "maven", "crates.io": "cargo", "rubygems": "gem", "nuget": "nuget",
	"packagist": "composer", "hex": "hex", "pub": "pub", "debian": "deb/debian", "ubuntu": "deb/ubuntu", "alpine": "apk/alpine",
	"wolfi": "apk/wolfi", "chainguard": "apk/chainguard", "red hat": "rpm/redhat", "rocky linux": "rpm/rocky", "almalinux": "rpm/almalinux",
	"conancenter": "conan", "swifturl": "swift", "github actions": "githubactions", "cran": "cran", "hackage": "hackage",
	// The types that Grype prints in SARIF.
	"python": "pypi", "java-archive": "maven", "go-module": "golang", "gem": "gem", "rust-crate": "cargo", "dotnet": "nuget",
}

// packageURL makes a PURL of an ecosystem, a name and a version. Without a known
// ecosystem there is none.
func packageURL(ecosystem, name, version string) string {
	kind, _, _ := strings.Cut(strings.ToLower(ecosystem), ":") // "Debian:12"
	kind, ok := ecosystems[kind]
	if !ok || name == "" {
		return ""
	}
	if kind == "maven" {
		name = strings.Replace(name, ":", "/", 1)
	}
	purl := "pkg:" + kind + "/" + name
	if version != "" {
		purl += "@" + version
	}
	return normalPURL(purl)
}

// normalPURL spells a package URL in one way, so that scanners agree: without
// qualifiers, percent signs undone, the type in lower case, names of PyPI as PEP
// 503 spells them. What is no package URL gives "".
func normalPURL(purl string) string {
	rest, ok := strings.CutPrefix(purl, "pkg:")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	rest = strings.TrimLeft(rest, "/")
	kind, name, ok := strings.Cut(rest, "/")
	if !ok || name == "" {
		return ""
	}
	version := ""
	if at := strings.LastIndexByte(name, '@'); at > 0 && at > strings.LastIndexByte(name, '/') {
		name, version = name[:at], name[at+1:]
	}
	kind = strings.ToLower(kind)
	name, version = unescaped(name), unescaped(version)
	switch kind {
	case "pypi":
		name = pep503(name)
	case "npm", "github", "composer", "deb", "apk", "githubactions":
		name = strings.ToLower(name)
	}
	if kind == "golang" || kind == "cargo" {
		version = strings.TrimPrefix(version, "v")
	}
	out := "pkg:" + kind + "/" + name
	if version != "" {
		out += "@" + version
	}
	return out
}

func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// pep503 is https://peps.python.org/pep-0503/#normalized-names.
func pep503(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(name) {
		if r == '-' || r == '_' || r == '.' {
			dash = true
			continue
		}
		if dash && b.Len() > 0 {
			b.WriteByte('-')
		}
		dash = false
		b.WriteRune(r)
	}
	return b.String()
}

// purlName is the name in a package URL as people write it.
func purlName(purl string) string {
	rest, _ := strings.CutPrefix(purl, "pkg:")
	_, name, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(name, '@'); at > 0 && at > strings.LastIndexByte(name, '/') {
		name = name[:at]
	}
	return name
}
