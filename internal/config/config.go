// Package config turns the bytes of keepgreen.yaml into settings. It opens
// nothing; every complaint names the line, the key, what is wrong and what
// would be right.
package config

// Config is a checked configuration. The zero value is the default.
type Config struct{}
