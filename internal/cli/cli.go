// Package cli is the command line: one file a command, each of which gathers
// facts, has them analysed, decides and acts. It is the only place where the
// pure half and the world half of the house meet, and it has no logic of its own.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"keepgreen/internal/config"
)

// Process is everything a command may know of the process it runs in. Nothing
// below this type reads the environment, the clock or the standard streams.
type Process struct {
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            Env
	Now            func() time.Time
	Dir            string // the working directory
	Width          int    // columns of the terminal; 0: none
	Terminal       bool   // standard error is a terminal: progress may redraw
	Colour         bool   // standard output is a terminal: colours may be used
}

// Env is the environment, read once.
type Env map[string]string

// Environ makes an Env of "NAME=value" pairs.
func Environ(pairs []string) Env {
	env := make(Env, len(pairs))
	for _, pair := range pairs {
		if name, value, found := strings.Cut(pair, "="); found && name != "" {
			env[name] = value
		}
	}
	return env
}

// Pairs is the environment as os/exec takes it.
func (e Env) Pairs() []string {
	pairs := make([]string, 0, len(e))
	for name, value := range e {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

// Globals are the flags that every command has.
type Globals struct {
	Format  string `help:"How the answer is printed: ${formatlist}." enum:"text,json,sarif" default:"text" placeholder:"${formats}"`
	Quiet   bool   `short:"q" help:"Print the answer only, no progress."`
	NoColor bool   `help:"No colours (also: NO_COLOR)." setting:"NO_COLOR"`
	Dir     string `short:"C" help:"The repository." default:"." placeholder:"DIR"`
	Config  string `help:"The configuration file, relative to the repository." default:"keepgreen.yaml" placeholder:"FILE"`
}

// commands is the command line. Each field is a command; its Run method reads
// as gather, analyse, decide, act.
type commands struct {
	Globals

	ConfigCmd configCommand    `cmd:"" name:"config" help:"Check and explain the configuration."`
	Run       runCommand       `cmd:"" help:"Run the repository's lint, types, tests and coverage, and say what broke and why."`
	Triage    triageCommand    `cmd:"" help:"Read logs and reports, and say what broke, why, and whose it is."`
	Flake     flakeCommand     `cmd:"" help:"Say which tests are flaky, broken, regressed or healthy."`
	Feedback  feedbackCommand  `cmd:"" help:"Tell the pull request what the run found, in one comment."`
	Gate      gateCommand      `cmd:"" help:"Compare with the baseline of main, and say yes or no."`
	Fix       fixCommand       `cmd:"" help:"Propose repairs, try them, publish the ones that hold."`
	Forensics forensicsCommand `cmd:"" help:"Check the forensic log and the eviction metrics."`
	Metrics   metricsCommand   `cmd:"" help:"Collect the figures of this run: time, queue, reruns, tests, coverage, vulnerabilities."`
	Insights  insightsCommand  `cmd:"" help:"Say what the history says: key figures, trends, what to do next."`
	Past      historyCommand   `cmd:"" name:"history" help:"Bring in the past, or take the history elsewhere."`
	Doctor    doctorCommand    `cmd:"" help:"Say why a step did nothing, or what will keep it from working, and what to do."`
	Init      initCommand      `cmd:"" help:"Write the repository's workflow."`
	Version   versionCommand   `cmd:"" help:"Print the version."`

	Completion completionCommand `cmd:"" help:"Print a script that completes commands and flags in a shell."`
	Man        manCommand        `cmd:"" hidden:"" help:"Print the manual page."`
	Plan       planCommand       `cmd:"" help:"Say which tests a change can reach, and spread them over machines."`
	Plugin     pluginCommand     `cmd:"" name:"pytest-plugin" help:"Hand out the pytest plugin that records which test ran what."`
	Arch       archCommand       `cmd:"" help:"Say how the code hangs together: cycles, coupling, hotspots, a health score."`
}

// session is what a command's Run method is given.
type session struct {
	Process
	Globals
	ctx  context.Context
	conf *config.Config // never nil once a command runs
}

// root is the repository's directory as an absolute path.
func (s *session) root() string { return s.resolve(s.Globals.Dir) }

// resolve makes a path absolute against the working directory.
func (s *session) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(s.Process.Dir, path)
}

// Main runs one command and returns its exit status.
func Main(ctx context.Context, p Process) int {
	err := run(ctx, p)
	status := statusOf(ctx, err)
	complain(p.Stderr, err)
	return status
}

// errHelp stops the parser after --help; it is a success.
var errHelp = errors.New("help was printed")

func run(ctx context.Context, p Process) (err error) {
	var cmds commands
	s := &session{Process: p, ctx: ctx}
	given := &settings{session: s}
	parser, err := kong.New(&cmds,
		kong.Name("keepgreen"),
		kong.Description("Keeps a repository's main branch green."),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(int) { panic(errHelp) }), // kong exits after --help; we return
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ValueFormatter(helpText),
		kong.Resolvers(given),
		kong.Bind(s),
		formats(p.Args),
	)
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			if r != any(errHelp) {
				panic(r)
			}
			err = nil
		}
	}()
	if len(p.Args) == 0 {
		p.Args = []string{"--help"}
	}
	parsed, err := parser.Parse(p.Args)
	if given.err != nil {
		return given.err
	}
	if err != nil {
		return usage(err)
	}
	s.Globals = cmds.Globals
	if s.Format == "sarif" && parsed.Command() != "arch" {
		return usagef("", `--format must be one of "text","json" but got "sarif"`)
	}
	if s.Env["NO_COLOR"] != "" || s.NoColor {
		s.Colour = false
	}
	return parsed.Run(s)
}

// formats are those that --help names: one more where the architecture is asked for.
func formats(args []string) kong.Vars {
	list := "text,json"
	if slices.Contains(args, "arch") {
		list += ",sarif"
	}
	return kong.Vars{"formatlist": list, "formats": strings.ReplaceAll(list, ",", "|")}
}

// helpText is a flag's help with where else its value may come from and what it
// is without one.
func helpText(value *kong.Value) string {
	var more []string
	if name := value.Tag.Get("setting"); name != "" && !strings.Contains(value.Help, name) {
		more = append(more, "$"+name)
	}
	if key := value.Tag.Get("key"); key != "" {
		more = append(more, key)
	}
	if value.HasDefault && value.Default != "" && value.Enum == "" {
		more = append(more, "default "+value.Default)
	}
	if len(more) == 0 {
		return value.Help
	}
	return value.Help + " [" + strings.Join(more, "; ") + "]"
}
