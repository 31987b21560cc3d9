//go:build unix

package forensics_test

import (
	"bytes"
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"keepgreen/internal/forensics"
)

// cpu is how long the process has had a core.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkVerify reads logs as Python's json.dumps writes them by default
// (spaces, keys in any order), as somebody sparing of bytes writes them
// (canonical), escaped to ASCII, and signed. MB/cpu-s is of the
// log as it is on disk, by the time that the process had a core: on a busy
// machine MB/s says how busy it is.
func BenchmarkVerify(b *testing.B) {
	for _, c := range []struct{ name, dir string }{{"default", "plain"}, {"ascii", "ascii"}, {"signed", "signed"}, {"canonical", "plain"}} {
		b.Run(c.name, func(b *testing.B) {
			text := grown(b, c.dir, c.name == "canonical", 16<<20)
			files := []forensics.File{{Name: log, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				r, err := forensics.Verify(files, forensics.Options{Secret: []byte(secret)})
				if err != nil || !r.OK() {
					b.Fatal(err, r)
				}
			}
			b.ReportMetric(float64(len(text)*b.N)/1e6/(cpu(b)-before).Seconds(), "MB/cpu-s")
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-sys")
		})
	}
}
