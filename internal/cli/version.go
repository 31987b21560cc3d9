package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version is set by the release build; a build from a checkout says which commit.
var Version = ""

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s *session) error {
	version, commit := buildVersion()
	if s.Format == "json" {
		return json.NewEncoder(s.Stdout).Encode(map[string]string{
			"version": version, "commit": commit, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		})
	}
	line := "keepgreen " + version
	if commit != "" {
		line += " (" + commit + ")"
	}
	fmt.Fprintf(s.Stdout, "%s %s %s/%s\n", line, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// buildVersion reads what the Go toolchain stamped into the binary.
func buildVersion() (version, commit string) {
	version = Version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return orDevel(version), ""
	}
	if version == "" && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	dirty := ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value[:min(12, len(setting.Value))]
		case "vcs.modified":
			if setting.Value == "true" {
				dirty = "+dirty"
			}
		}
	}
	if commit != "" {
		commit += dirty
	}
	return orDevel(version), commit
}

func orDevel(version string) string {
	if version == "" {
		return "devel"
	}
	return version
}
