// Package runners reads what Jest, Vitest and Mocha, Maven and Gradle, and cargo
// and nextest print. Each reader takes its own tool's lines and no others.
package runners

import (
	"keepgreen/internal/report/format"
)

// Formats are the rows of this package.
func Formats() []format.Format {
	return []format.Format{jestJSONFormat, jestFormat, mavenFormat, cargoFormat}
}

// NewJest follows Jest, Vitest and Mocha in a log.
func NewJest() format.LineReader { return newJestReader() }

// NewMaven follows Maven and Gradle in a log.
func NewMaven() format.LineReader { return newMavenReader() }

// NewCargo follows cargo and nextest in a log.
func NewCargo() format.LineReader { return newCargoReader() }
