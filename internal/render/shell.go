package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// CommandDoc is a command as help, completion and the manual page show it.
type CommandDoc struct {
	Path     []string // without the program
	Help     string
	Detail   string
	Usage    string
	Flags    []FlagDoc
	Children []string // names of the commands below it
	Files    bool     // it takes paths
}

// FlagDoc is one flag.
type FlagDoc struct {
	Long, Short string
	Value       string // placeholder; empty: a switch
	Values      []string
	Help        string
}

// key is the path of a command as a word.
func (c CommandDoc) key() string { return strings.Join(c.Path, " ") }

// words are what may follow a command.
func (c CommandDoc) words() []string {
	out := slices.Clone(c.Children)
	for _, f := range c.Flags {
		out = append(out, "--"+f.Long)
	}
	return out
}

// completed is the script that completes the program in bash. Zsh takes it, too,
// through bashcompinit.
const completed = `# Completion of keepgreen; written by "keepgreen completion bash".
_keepgreen() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
%s    esac
  done
  case "$path $prev" in
%s  esac
  case "$path" in
%s  esac
}
complete -o default -F _keepgreen keepgreen
`

// BashCompletion writes the completion of bash. Where no word fits, bash itself
// completes names of files.
func BashCompletion(w io.Writer, commands []CommandDoc) error {
	var paths, values, words strings.Builder
	for _, c := range commands {
		if len(c.Path) > 0 {
			// The loop joins what it has with the next word; at the top it has nothing.
			seen := c.key()
			if len(c.Path) == 1 {
				seen = " " + seen
			}
			fmt.Fprintf(&paths, "      %s) path=%s ;;\n", quoted(seen), quoted(c.key()))
		}
		for _, f := range c.Flags {
			if len(f.Values) > 0 {
				fmt.Fprintf(&values, "    %s) COMPREPLY=($(compgen -W %s -- \"$cur\")); return ;;\n", quoted(c.key()+" --"+f.Long), quoted(strings.Join(f.Values, " ")))
			}
		}
		fmt.Fprintf(&words, "    %s) COMPREPLY=($(compgen -W %s -- \"$cur\")) ;;\n", quoted(c.key()), quoted(strings.Join(c.words(), " ")))
	}
	_, err := fmt.Fprintf(w, completed, paths.String(), values.String(), words.String())
	return err
}

// quoted is a word of a shell script.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// ZshCompletion writes the completion of zsh.
func ZshCompletion(w io.Writer, commands []CommandDoc) error {
	if _, err := io.WriteString(w, "#compdef keepgreen\nautoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"); err != nil {
		return err
	}
	return BashCompletion(w, commands)
}

// FishCompletion writes the completion of fish.
func FishCompletion(w io.Writer, commands []CommandDoc) error {
	var b strings.Builder
	fmt.Fprintln(&b, `# Completion of keepgreen; written by "keepgreen completion fish".`)
	for _, c := range commands {
		when := "__fish_use_subcommand"
		if len(c.Path) > 0 {
			when = "__fish_seen_subcommand_from " + c.Path[len(c.Path)-1]
			if len(c.Path) > 1 {
				when = "__fish_seen_subcommand_from " + c.Path[0] + "; and " + when
			}
		}
		for _, child := range c.Children {
			help := ""
			for _, other := range commands {
				if other.key() == strings.TrimSpace(c.key()+" "+child) {
					help = other.Help
				}
			}
			fmt.Fprintf(&b, "complete -c keepgreen -f -n %s -a %s -d %s\n", quoted(when), quoted(child), quoted(help))
		}
		for _, f := range c.Flags {
			fmt.Fprintf(&b, "complete -c keepgreen -n %s -l %s", quoted(when), f.Long)
			if f.Short != "" {
				fmt.Fprintf(&b, " -s %s", f.Short)
			}
			switch {
			case len(f.Values) > 0:
				fmt.Fprintf(&b, " -x -a %s", quoted(strings.Join(f.Values, " ")))
			case f.Value != "":
				b.WriteString(" -r")
			}
			fmt.Fprintf(&b, " -d %s\n", quoted(f.Help))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// ManPage writes keepgreen(1) in the man macros.
func ManPage(w io.Writer, commands []CommandDoc, version string, day time.Time) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH KEEPGREEN 1 %q %q\n", day.Format(time.DateOnly), "keepgreen "+version)
	b.WriteString(".SH NAME\nkeepgreen \\- keeps a repository's main branch green\n.SH SYNOPSIS\n.B keepgreen\n.I command\n.RI [ flags ]\n.SH COMMANDS\n")
	for _, c := range commands {
		if len(c.Path) == 0 || len(c.Children) > 0 {
			continue
		}
		fmt.Fprintf(&b, ".SS %s\n%s\n", roff(c.Usage), roff(c.Help))
		if c.Detail != "" {
			fmt.Fprintf(&b, ".PP\n%s\n", roff(c.Detail))
		}
		for _, f := range c.Flags {
			name := "\\-\\-" + roff(f.Long)
			if f.Short != "" {
				name = "\\-" + f.Short + ", " + name
			}
			if f.Value != "" {
				name += "=\\fI" + roff(f.Value) + "\\fR"
			}
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", name, roff(f.Help))
		}
	}
	b.WriteString(".SH EXIT STATUS\n.TP\n.B 0\nyes, or the answer was given\n.TP\n.B 1\nno: a gate failed\n.TP\n.B 2\nthe question was malformed\n.TP\n.B 3\nno answer: the tool could not do its work\n.TP\n.B 130\ninterrupted\n")
	b.WriteString(".SH FILES\n.TP\n.B keepgreen.yaml\nsettings\n.TP\n.B .keepgreen/history.db\nwhat earlier runs have left\n.TP\n.B ci_metrics/quality_metrics.json\nwhat the gates compare with\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// roff is text that troff prints as it is.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
