package trend

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"keepgreen/internal/ci"
)

var figures = flag.Int("simulations", 0, "reports that TestFalseAlarms and TestPower simulate; 0: a few, to see that the rule holds roughly")

// simulated is the generator of the published figures: a daily figure of a
// pipeline, such as the median build time. Its logarithm is an AR(1) process, so
// that the noise is skewed, relative, and has a memory.
type simulated struct {
	Days   int
	Noise  float64 // standard deviation of one day's figure, as a share of it
	Memory float64 // lag-1 autocorrelation of the noise
	Rise   float64 // relative rise in the last 30 days; 0: nothing happens
}

func (s simulated) series(r *rand.Rand) []Point {
	out := make([]Point, s.Days)
	state := r.NormFloat64()
	for i := range out {
		if i > 0 {
			state = s.Memory*state + math.Sqrt(1-s.Memory*s.Memory)*r.NormFloat64()
		}
		level := math.Log(600)
		if from := s.Days - 30; i >= from {
			level += math.Log1p(s.Rise) * float64(i-from+1) / 30
		}
		out[i] = point(float64(i), math.Exp(level+s.Noise*state))
	}
	return out
}

// naive is the rule that dashboards have: the mean of the last seven days
// differs from that of the seven before by more than a tenth.
func naive(p []Point) bool {
	mean := func(points []Point) (m float64) {
		for _, p := range points {
			m += p.Y / float64(len(points))
		}
		return m
	}
	n := len(p)
	before, after := mean(p[n-14:n-7]), mean(p[n-7:])
	return math.Abs(after-before) > 0.1*before
}

// report simulates one report of so many key figures, the first of which may
// rise, and says what each rule cries.
func report(r *rand.Rand, s simulated, kpis int) (found, ours, theirs bool) {
	var all []Series
	for i := range kpis {
		one := s
		if i > 0 {
			one.Rise = 0
		}
		points := one.series(r)
		all = append(all, Series{Points: points})
		theirs = theirs || naive(points)
	}
	for i, t := range Judge(all, Rule{}) {
		cried := t.Direction == ci.Rising || t.Direction == ci.Falling
		ours = ours || cried
		found = found || i == 0 && t.Direction == ci.Rising
	}
	return found, ours, theirs
}

const (
	kpis  = 12
	days  = 224  // what Judge looks at: four windows
	noise = 0.15 // a daily median build time of a busy repository scatters by about so much
)

func reports() int {
	if *figures > 0 {
		return *figures
	}
	return 60
}

// slack is what so few simulations may be off by, three standard errors.
func slack(p float64) float64 { return 3 * math.Sqrt(p*(1-p)/float64(reports())) }

// TestFalseAlarms: reports of twelve figures in which nothing happens.
func TestFalseAlarms(t *testing.T) {
	for _, c := range []struct{ memory, most float64 }{{0, 0.03}, {0.3, 0.10}, {0.5, 1}} {
		r := rand.New(rand.NewPCG(1, uint64(100*c.memory)))
		ours, theirs := 0, 0
		for range reports() {
			_, a, b := report(r, simulated{days, noise, c.memory, 0}, kpis)
			ours, theirs = ours+toInt(a), theirs+toInt(b)
		}
		rate := float64(ours) / float64(reports())
		t.Log(row("false alarms in reports of 12", c.memory, 0, rate, float64(theirs)/float64(reports())))
		if rate > c.most+slack(c.most) {
			t.Errorf("memory %g: %.3f of the reports carry a false trend, at most %g may", c.memory, rate, c.most)
		}
	}
}

// TestPower: the first of twelve figures rises in the last thirty days. A rise of
// 36 % is twice the noise, at which Mann-Kendall at .01 finds three of four in
// thirty independent days when it is asked about one figure and not about twelve.
// Noise with a memory holds half as much information, and takes half as much
// again to be seen through.
func TestPower(t *testing.T) {
	for _, c := range []struct{ memory, rise, least float64 }{
		{0, 0.36, 0.75}, {0, 0.5, 0.75}, {0.3, 0.36, 0}, {0.3, 0.5, 0}, {0.3, 0.55, 0.75},
	} {
		r := rand.New(rand.NewPCG(2, uint64(100*c.memory)))
		ours, theirs := 0, 0
		for range reports() {
			s := simulated{days, noise, c.memory, c.rise}
			found, _, _ := report(r, s, kpis)
			ours += toInt(found)
			theirs += toInt(naive(s.series(r)))
		}
		rate := float64(ours) / float64(reports())
		t.Log(row("found", c.memory, c.rise, rate, float64(theirs)/float64(reports())))
		if rate < c.least-slack(c.least) {
			t.Errorf("memory %g: %.3f of the rises are found, at least %g must be", c.memory, rate, c.least)
		}
	}
}

func row(what string, memory, rise, ours, theirs float64) string {
	return fmt.Sprintf("%-30s memory %.1f rise %2.0f %%: this rule %5.1f %%, 7 days against 7 days %5.1f %%", what, memory, 100*rise, 100*ours, 100*theirs)
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
