package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"keepgreen/internal/baseline"
	"keepgreen/internal/config"
	"keepgreen/internal/git"
	"keepgreen/internal/render"
	"keepgreen/internal/workflow"
)

type initCommand struct {
	Force      bool          `help:"Overwrite without asking."`
	Print      bool          `help:"Print the workflow and write nothing."`
	UpdatePins bool          `help:"Ask GitHub for newer releases of the pinned actions, of the same major version."`
	MinAge     time.Duration `default:"168h" help:"With --update-pins: how old a release has to be." placeholder:"DURATION"`
	Action     string        `help:"The Keepgreen action that the workflow uses, as OWNER/NAME@COMMIT#VERSION or as a path that begins with ./. Without it: what the workflow uses already, or one that is written into .github/keepgreen." placeholder:"REF"`
}

// Run looks at the repository and writes its pipeline.
func (c *initCommand) Run(s *session) error {
	repo, facts, err := s.lookAround()
	if err != nil {
		return err
	}
	options, err := c.options(s, repo, facts)
	if err != nil {
		return err
	}
	pins, notes, err := c.pins(s)
	if err != nil {
		return err
	}
	options.Pins = pins
	for _, note := range notes {
		fmt.Fprintln(s.Stderr, render.Visible(note))
	}
	planned, err := s.planned(facts, options)
	if err != nil {
		return err
	}
	if c.Print {
		return printPlanned(s, planned)
	}
	if err := c.act(s, planned); err != nil {
		return err
	}
	return s.tellInit(facts, options, planned)
}

// lookAround reads what detection asks of the repository.
func (s *session) lookAround() (*git.Repo, workflow.Facts, error) {
	root := s.root()
	if err := isDirectory(root, s.Globals.Dir); err != nil {
		return nil, workflow.Facts{}, err
	}
	repo, err := git.Open(s.ctx, root, s.Env.Pairs())
	switch {
	case errors.Is(err, git.ErrNoRepository):
		return nil, workflow.Facts{}, usagef("run git init first", "%s: not a git repository", s.Globals.Dir)
	case err != nil:
		return nil, workflow.Facts{}, noAnswerf("", "%w", err)
	case repo.Sub != "":
		return nil, workflow.Facts{}, usagef("workflows belong to the whole repository: -C "+repo.Root, "%s: not the root of its repository", s.Globals.Dir)
	}
	listed, err := repo.Files(s.ctx)
	if err != nil {
		return nil, workflow.Facts{}, noAnswerf("", "%w", err)
	}
	inside, err := os.OpenRoot(root)
	if err != nil {
		return nil, workflow.Facts{}, noAnswerf("", "%w", err)
	}
	defer func() { _ = inside.Close() }()
	tree := workflow.Tree{Text: func(name string) string { return smallText(inside, name) }}
	for _, f := range listed {
		tree.Files = append(tree.Files, f.Path)
	}
	facts := workflow.Detect(tree)
	if len(facts.Projects) == 0 {
		return nil, facts, usagef("keepgreen init knows Python, Go and Node", "%s: no project in it", s.Globals.Dir)
	}
	return repo, facts, nil
}

// maxInitText bounds the files that detection reads.
const maxInitText = 1 << 20

// smallText is a file below the root, and never one that a link leads out to.
func smallText(root *os.Root, name string) string {
	file, err := root.Open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxInitText {
		return ""
	}
	data, err := io.ReadAll(io.LimitReader(file, maxInitText))
	if err != nil || !utf8.Valid(data) {
		return ""
	}
	return string(data)
}

var (
	branchName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/-]*$`)
	remoteUses = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+(?:/[A-Za-z0-9._/-]+)?@[0-9a-f]{40})(?:#(v[0-9][A-Za-z0-9.+-]*))?$`)
	localUses  = regexp.MustCompile(`^\./[A-Za-z0-9._/-]*$`)
)

func (c *initCommand) options(s *session, repo *git.Repo, facts workflow.Facts) (workflow.Options, error) {
	o := workflow.Options{Branch: repo.MainBranch(s.ctx)}
	if o.Branch == "" {
		o.Branch = "main"
	}
	if !branchName.MatchString(o.Branch) {
		return o, usagef("", "the main branch is called %q, which cannot stand in a workflow", o.Branch)
	}
	switch m := remoteUses.FindStringSubmatch(c.Action); {
	case m != nil && m[2] != "":
		o.Action = m[1] + " # " + m[2]
	case m != nil:
		o.Action = m[1]
	case localUses.MatchString(c.Action) && !strings.Contains(c.Action, ".."):
		o.Action = c.Action
	case c.Action != "":
		return o, usagef("a tag can be moved: git ls-remote shows its commit", "--action %s: wants OWNER/NAME@COMMIT, the commit with all its 40 digits, or a path that begins with ./", c.Action)
	case facts.Self:
		o.Action = "./"
	default:
		o.Action = workflow.LocalAction
		if old, err := os.ReadFile(filepath.Join(s.root(), ".github", "workflows", workflow.Main)); err == nil {
			if used := workflow.ActionOf(string(old)); used != "" {
				o.Action = used
			}
		}
	}
	return o, nil
}

// planned is one file and what is to become of it.
type planned struct {
	workflow.File
	status string // created, changed, unchanged, or kept: the repository's own
	old    string
	merged workflow.Merged
}

// planned compares what is generated with what there is.
func (s *session) planned(facts workflow.Facts, o workflow.Options) ([]planned, error) {
	files := workflow.Files(facts, o)
	own := ownFiles()
	var out []planned
	for _, f := range append(files, own...) {
		p := planned{File: f, status: "created"}
		old, err := os.ReadFile(filepath.Join(s.root(), filepath.FromSlash(f.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, usagef("", "%s: %w", f.Path, bare(err))
		case slices.ContainsFunc(own, func(o workflow.File) bool { return o.Path == f.Path }):
			p.status, p.Text = "kept", string(old)
		default:
			p.old, p.status = string(old), "changed"
			if f.Marked {
				p.merged = workflow.Merge(p.old, f.Text)
				p.Text = p.merged.Text
			}
			if p.Text == p.old {
				p.status = "unchanged"
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// ownFiles are written once; from then on they are the repository's.
func ownFiles() []workflow.File {
	var settings bytes.Buffer
	settings.WriteString("# Settings of Keepgreen. Every key is explained here; \"keepgreen config check\" checks the file.\n")
	config.Template(&settings, map[string]string{"coverage.min": "90"})
	quality := &baseline.Quality{}
	quality.SetCoverage(90, 90)
	quality.SetVulnerabilities(0, 0)
	return []workflow.File{
		{Path: "keepgreen.yaml", Text: settings.String()},
		{Path: "ci_metrics/quality_metrics.json", Text: string(quality.Bytes())},
	}
}

func printPlanned(s *session, files []planned) error {
	if s.Format == "json" {
		return writeJSON(s.Stdout, initDocument(files, true))
	}
	_, err := io.WriteString(s.Stdout, files[0].Text)
	return err
}

// act writes the files, after it has shown what would be overwritten and was
// told to go on.
func (c *initCommand) act(s *session, files []planned) error {
	var changed []planned
	for _, f := range files {
		if f.status == "changed" {
			changed = append(changed, f)
		}
	}
	if len(changed) > 0 {
		if err := c.ask(s, changed); err != nil {
			return err
		}
	}
	for _, f := range files {
		if f.status != "created" && f.status != "changed" {
			continue
		}
		path := filepath.Join(s.root(), filepath.FromSlash(f.Path))
		if err := replaceFile(path, func(w io.Writer) error { _, err := io.WriteString(w, f.Text); return err }); err != nil {
			return noAnswerf("", "%s: %w", f.Path, bare(err))
		}
	}
	return nil
}

// ask shows the differences and wants a yes.
func (c *initCommand) ask(s *session, changed []planned) error {
	for _, f := range changed {
		text := diff.Diff(f.Path, []byte(f.old), f.Path+" (new)", []byte(f.Text))
		fmt.Fprint(s.Stderr, render.VisibleLines(string(text)))
		if f.merged.Hand {
			fmt.Fprintf(s.Stderr, "keepgreen: %s was edited outside of its marked places; lines with a minus are lost\n", f.Path)
		}
		if len(f.merged.Lost) > 0 && !c.Force {
			return usagef("move that text, or overwrite it with --force", "%s: there is no place for what stands in %s any more", f.Path, strings.Join(f.merged.Lost, ", "))
		}
	}
	if c.Force {
		return nil
	}
	fmt.Fprintf(s.Stderr, "Overwrite %s? [y/N] ", plural(len(changed), "file", "files"))
	answer, err := bufio.NewReader(io.LimitReader(s.Stdin, 1<<10)).ReadString('\n')
	fmt.Fprintln(s.Stderr)
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	case "":
		if err != nil {
			return usagef("--force overwrites without asking", "nobody answered; nothing was written")
		}
	}
	return usagef("", "nothing was written")
}

// initDocument is the answer as JSON.
func initDocument(files []planned, withText bool) map[string]any {
	rows := make([]map[string]any, len(files))
	for i, f := range files {
		rows[i] = map[string]any{"path": f.Path, "status": f.status}
		if withText {
			rows[i]["text"] = f.Text
		}
	}
	return map[string]any{"files": rows}
}

// tellInit says what was found, what was written, and what is next.
func (s *session) tellInit(facts workflow.Facts, o workflow.Options, files []planned) error {
	if s.Format == "json" {
		return writeJSON(s.Stdout, initDocument(files, false))
	}
	view := render.InitView{Found: facts.Words(), Others: facts.Others}
	for _, f := range files {
		note := ""
		if f.status == "kept" {
			note = "yours"
		}
		view.Files = append(view.Files, render.InitFile{Path: f.Path, Status: f.status, Note: note})
	}
	view.Next = []string{"keepgreen doctor", "git add " + strings.Join(paths(files), " ")}
	if o.Action == workflow.LocalAction {
		view.Next = append(view.Next, "tell the runners where Keepgreen's releases are: the repository variable KEEPGREEN_RELEASES, or init --action")
	}
	return render.InitText(s.Stdout, view, render.TextOptions{Width: s.Width, Colour: s.Colour})
}

// paths are the folders and files that a commit has to have.
func paths(files []planned) []string {
	var out []string
	for _, f := range files {
		name := f.Path
		if strings.HasPrefix(name, ".github/") {
			name = ".github"
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
