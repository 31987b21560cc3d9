// Keepgreen keeps a repository's main branch green: it reads what a CI run
// printed, says what broke and whose it is, gates on regressions and explains
// itself. This file is the process only; the command line is internal/cli.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"keepgreen/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, process()))
}

// process is the only place that reads the environment, the clock and the streams.
func process() cli.Process {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		width = 0
	}
	return cli.Process{
		Args:     os.Args[1:],
		Stdin:    os.Stdin,
		Stdout:   os.Stdout,
		Stderr:   os.Stderr,
		Env:      cli.Environ(os.Environ()),
		Now:      time.Now,
		Dir:      dir,
		Width:    width,
		Terminal: term.IsTerminal(int(os.Stderr.Fd())),
		Colour:   term.IsTerminal(int(os.Stdout.Fd())),
	}
}
