package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/forensics"
	"keepgreen/internal/render"
)

// forensicsCommand groups what there is to check about the forensics that a
// run left behind.
type forensicsCommand struct {
	Verify forensicsVerify `cmd:"" help:"Verify the hash chain of a log across its rotations, and its signatures."`
	Gate   forensicsGate   `cmd:"" help:"Hold eviction metrics to their limits."`
}

const forensicSecret = "FORENSIC_HMAC_SECRET"

type forensicsVerify struct {
	Log     string `arg:"" help:"The current file, NAME.log; its rotations NAME-<unix seconds>.log are found beside it." placeholder:"LOG"`
	Secret  string `name:"hmac-secret-env" help:"The environment variable that holds the key of the signatures. Without it: FORENSIC_HMAC_SECRET, where that is set." placeholder:"NAME"`
	Signed  bool   `name:"require-hmac" help:"A record without a signature does not hold. Needs the key."`
	Witness string `name:"expect-hash" help:"A last hash that an earlier verification printed: it has to be in the log still, or the end was cut off." placeholder:"HASH"`
}

// Run reads the log, verifies it, and tells.
func (c *forensicsVerify) Run(s *session) error {
	secret, err := c.secret(s)
	if err != nil {
		return err
	}
	log := s.resolve(c.Log)
	names, total, err := logFiles(log)
	if err != nil {
		return usagef("", "%s: %w", c.Log, bare(err))
	}
	meter := newMeter(s, total)
	files, gone := meter.files(filepath.Dir(log), names)
	result, err := forensics.Verify(files, forensics.Options{Secret: secret, Signed: c.Signed, Witness: c.Witness})
	meter.close()
	if err != nil {
		return noAnswerf("", "%w", bare(err))
	}
	if gone {
		result.Files = append(result.Files, forensics.FileResult{Name: filepath.Base(log), Fault: forensics.FaultMissing, What: "is not there: its rotations are"})
	}
	return c.tell(s, result, len(secret) > 0)
}

// secret is the key; none is a question that cannot be answered only where a
// key was asked for.
func (c *forensicsVerify) secret(s *session) ([]byte, error) {
	name := c.Secret
	if name == "" {
		name = forensicSecret
	}
	secret := s.Env[name]
	if strings.TrimSpace(secret) != "" {
		return []byte(secret), nil
	}
	if c.Secret != "" || c.Signed {
		return nil, usagef("", "%s: it is unset or empty, so that no signature can be checked", name)
	}
	return nil, nil
}

// logFiles lists the files of a log in the order of their names, the current
// one last, and their size. It is an error if there is none.
func logFiles(log string) (names []string, total int64, err error) {
	base := filepath.Base(log)
	entries, err := os.ReadDir(filepath.Dir(log))
	if err != nil {
		return nil, 0, err
	}
	for _, entry := range entries { // sorted by name
		if forensics.Rotated(base, entry.Name()) && !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	info, err := os.Stat(log)
	switch {
	case err == nil && info.IsDir():
		return nil, 0, errors.New("it is a directory; name the log in it")
	case err != nil && (!errors.Is(err, fs.ErrNotExist) || len(names) == 0):
		return nil, 0, err
	}
	slices.Sort(names)
	names = append(names, base)
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(filepath.Dir(log), name)); err == nil {
			total += info.Size()
		}
	}
	return names, total, nil
}

func (c *forensicsVerify) tell(s *session, r forensics.Result, keyed bool) error {
	v := render.ForensicsView{OK: r.OK()}
	records, signatures := 0, 0
	for _, f := range r.Files {
		records, signatures = records+f.Records, signatures+f.Signed
		v.Files = append(v.Files, render.ForensicFile{
			Name: f.Name, OK: f.OK(), Fault: string(f.Fault), What: f.What, Bad: f.Bad, BadLines: f.BadLines,
			Lines: f.Lines, Records: f.Records, Signed: f.Signed, LastHash: f.Last,
		})
	}
	switch {
	case signatures > 0 && !keyed:
		v.Notes = append(v.Notes, "the signatures were not checked: "+forensicSecret+" is not set")
	case keyed && signatures < records:
		v.Notes = append(v.Notes, fmt.Sprintf("%d of %d records carry no signature; --require-hmac refuses them", records-signatures, records))
	}
	if n := len(r.Files); n > 0 && r.OK() {
		v.Notes = append(v.Notes, "the last hash is "+r.Files[n-1].Last)
	}
	write := render.ForensicsText
	if s.Format == "json" {
		write = render.ForensicsDocument
	}
	if err := write(s.Stdout, v); err != nil {
		return noAnswerf("", "%w", err)
	}
	switch {
	case len(r.Files) == 1 && r.Files[0].Lines == 0:
		return noAnswerf("no record is never a pass: is this the log, and was anything written?", "%s: holds no record", c.Log)
	case !r.OK():
		return errNo
	}
	return nil
}

type forensicsGate struct {
	Metrics        string   `arg:"" help:"The eviction metrics, a JSON file; - is standard input." placeholder:"METRICS"`
	Out            string   `default:"forensics/verdict.json" help:"Write the verdict there, relative to the repository." placeholder:"FILE"`
	MinCoverage    float64  `name:"min-coverage-pct" aliases:"min-coverage" default:"99.9" help:"Least min_coverage_pct." placeholder:"PCT"`
	MaxUnsanitized float64  `name:"max-unsanitized-regions" aliases:"max-unsanitized,max-unsanitized-regions-count" default:"0" help:"Most unsanitized_regions_count." placeholder:"N"`
	MaxQuarantined float64  `name:"max-quarantine" aliases:"max-quarantined,max-quarantine-count" default:"0" help:"Most quarantine_count." placeholder:"N"`
	MinReuse       *float64 `name:"min-reuse-rate" help:"Least reuse_rate, 0 to 1. Off without it." placeholder:"X"`
	MaxReuse       *float64 `name:"max-reuse-rate" help:"Most reuse_rate, 0 to 1. Off without it." placeholder:"X"`
	MaxP95         *float64 `name:"max-sanitize-p95-ms" aliases:"max-p95-ms,max-sanitize-duration-p95-ms" help:"Most sanitize_duration_p95_ms. Off without it." placeholder:"MS"`
}

// maxMetrics is more than any metrics file holds.
const maxMetrics = 64 << 20

// Run reads the metrics, decides, writes the verdict and tells.
func (c *forensicsGate) Run(s *session) error {
	limits, err := c.limits()
	if err != nil {
		return err
	}
	data, err := s.readBounded(c.Metrics, maxMetrics)
	if err != nil {
		return usagef("", "%s: %w", c.Metrics, bare(err))
	}
	verdict, err := forensics.Evictions(data, limits, s.Now())
	if err != nil && len(strings.TrimSpace(string(data))) == 0 {
		return noAnswerf("no data is never a pass: did the checker run?", "%s: %w", c.Metrics, err)
	}
	if err != nil {
		return usagef("", "%s: %w", c.Metrics, err)
	}
	if err := replaceFile(s.baselinePath(c.Out), func(w io.Writer) error { return writeJSON(w, verdict) }); err != nil {
		return noAnswerf("", "%s: %w", c.Out, bare(err))
	}
	if err := c.tell(s, verdict); err != nil {
		return noAnswerf("", "%w", err)
	}
	if !verdict.Pass {
		return errNo
	}
	return nil
}

// limits refuses figures that are no thresholds; kong takes NaN for a number.
func (c *forensicsGate) limits() (forensics.Thresholds, error) {
	t := forensics.Thresholds{
		MinCoverage: c.MinCoverage, MaxUnsanitized: c.MaxUnsanitized, MaxQuarantined: c.MaxQuarantined,
		MinReuse: c.MinReuse, MaxReuse: c.MaxReuse, MaxP95: c.MaxP95,
	}
	for _, limit := range []struct {
		flag  string
		value *float64
	}{
		{"--min-coverage-pct", &c.MinCoverage},
		{"--max-unsanitized-regions", &c.MaxUnsanitized},
		{"--max-quarantine", &c.MaxQuarantined},
		{"--min-reuse-rate", c.MinReuse},
		{"--max-reuse-rate", c.MaxReuse},
		{"--max-sanitize-p95-ms", c.MaxP95},
	} {
		if v := limit.value; v != nil && !(*v >= 0 && *v <= math.MaxFloat64) {
			return t, usagef("", "%s: %v is not a number from 0 on", limit.flag, *v)
		}
	}
	return t, nil
}

func (c *forensicsGate) tell(s *session, v forensics.Verdict) error {
	if s.Format == "json" {
		return writeJSON(s.Stdout, v)
	}
	view := render.EvictionsView{Checked: v.Thresholds.Metrics()}
	for _, f := range v.Failures {
		view.Failures = append(view.Failures, f.String())
	}
	return render.EvictionsText(s.Stdout, view)
}

// readBounded reads a file, or standard input for "-".
func (s *session) readBounded(path string, limit int64) ([]byte, error) {
	in := s.Stdin
	if path != "-" {
		file, err := os.Open(s.resolve(path))
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it is larger than %d MiB", limit>>20)
	}
	return data, err
}
