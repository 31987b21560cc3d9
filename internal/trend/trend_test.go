package trend

import (
	"math"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

func points(ys ...float64) []Point {
	out := make([]Point, len(ys))
	for i, y := range ys {
		out[i] = point(float64(i), y)
	}
	return out
}

func near(t *testing.T, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Worked by hand: 21 more pairs rise than fall, and three pairs are tied.
func TestKendall(t *testing.T) {
	s, variance := kendall(points(10, 22, 21, 30, 22, 30, 40, 40))
	assert.Equal(t, s, 21.0)
	near(t, variance, (8*7*21-3*(2*1*9))/18.0, 1e-9)
	near(t, twoSided(s, variance), 0.0113, 0.0001)
	near(t, twoSided(0, 10), 1, 0)
	near(t, twoSided(5, 0), 1, 0)
}

func TestTheilSenIgnoresOutliers(t *testing.T) {
	ys := points(1, 3, 5, 7, 900, 11, 13, -400, 17, 19, 21)
	l := theilSen(ys)
	near(t, l.Slope, 2, 1e-9)
	near(t, l.At, 1, 1e-9)
	near(t, theilSen(points(4, 4, 4)).Slope, 0, 0)
	near(t, theilSen([]Point{point(3, 1), point(3, 2)}).Slope, 0, 0)
}

func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, got[i], want, 1e-12)
	}
	assert.Equal(t, len(Holm(nil)), 0)
	near(t, Holm([]float64{0.9, 0.8})[0], 1, 0)
}

// The 6-MP arm of Freireich et al. (1963), on which every textbook shows Kaplan
// and Meier: the median is 23 weeks; R's survfit gives 13 as the interval's lower
// end (conf.type "log-log") and none as the upper.
func TestSurvival(t *testing.T) {
	var lives []Lifetime
	for _, d := range []float64{6, 6, 6, 7, 10, 13, 16, 22, 23} {
		lives = append(lives, Lifetime{d, true})
	}
	for _, d := range []float64{6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35} {
		lives = append(lives, Lifetime{d, false})
	}
	got := Survival(lives)
	near(t, got.Value, 23, 0)
	near(t, got.Low, 13, 0)
	assert.Assert(t, math.IsInf(got.High, 1))
	assert.Equal(t, got.N, 21)

	open := Survival([]Lifetime{{1, true}, {30, false}, {40, false}})
	assert.Assert(t, math.IsInf(open.Value, 1), "one of three is mended, so the median is not reached: %v", open.Value)
	assert.Assert(t, !Survival(nil).Known())
}

// Brown, Cai and DasGupta's table of intervals for small n.
func TestShare(t *testing.T) {
	e := Share(1, 10)
	near(t, e.Low, 0.0179, 0.0001)
	near(t, e.High, 0.4042, 0.0001)
	e = Share(0, 20)
	near(t, e.Low, 0, 0)
	near(t, e.High, 0.1611, 0.0001)
	assert.Assert(t, !Share(0, 0).Known())
}

func TestQuantiles(t *testing.T) {
	e := AtQuantile([]float64{9, 1, 8, 2, 7, 3, 6, 4, 5, 10}, 0.5)
	near(t, e.Value, 5.5, 0)
	near(t, e.Low, 1, 1)
	near(t, e.High, 9, 1)
	assert.Assert(t, math.IsNaN(Median(nil)))
	assert.Assert(t, !AtQuantile(nil, 0.9).Known())
	m := Mean([]float64{1, 2, 3})
	near(t, m.Value, 2, 0)
	near(t, m.High-m.Low, 2*z95/math.Sqrt(3), 1e-9)
}

func TestChangesNameThePoint(t *testing.T) {
	var ys []float64
	for i := range 60 {
		y := 100 + float64(i*7%11)
		if i >= 25 {
			y += 40
		}
		if i >= 45 {
			y -= 60
		}
		ys = append(ys, y)
	}
	got := Changes(ys, ChangeRule{})
	assert.Equal(t, len(got), 2)
	assert.Equal(t, got[0].At, 25)
	assert.Equal(t, got[1].At, 45)
	assert.Assert(t, got[0].After > got[0].Before && got[1].After < got[1].Before)
	assert.Equal(t, len(Changes(ys[:25], ChangeRule{})), 0, "noise has no change point")
	assert.Equal(t, len(Changes([]float64{1, 1, 1}, ChangeRule{})), 0)
}

func TestJudge(t *testing.T) {
	var up, flat, few []Point
	for i := range 60 {
		wobble := float64(i * 7 % 5)
		up = append(up, point(float64(i), 100+float64(i)+wobble))
		flat = append(flat, point(float64(i), 100+wobble))
	}
	few = up[:10]
	got := Judge([]Series{{Points: up}, {Points: flat}, {Points: few}, {}}, Rule{})
	assert.Equal(t, got[0].Direction, ci.Rising)
	assert.Equal(t, got[1].Direction, ci.Steady)
	assert.Equal(t, got[2].Direction, ci.NoTrend)
	assert.Equal(t, got[3].Direction, ci.NoTrend)
	small := Judge([]Series{{Points: up, Absolute: 40}}, Rule{})
	assert.Equal(t, small[0].Direction, ci.Steady, "30 in 30 days is less than what matters")
}

func TestForecast(t *testing.T) {
	var ys []Point
	for i := range 57 {
		ys = append(ys, point(float64(i), 600+4*float64(i)+float64(i*7%5)))
	}
	trend := Judge([]Series{{Points: ys}}, Rule{})[0]
	f, ok := Ahead(ys, trend)
	assert.Assert(t, ok)
	days, soonest, latest, ok := Crosses(f, 900)
	assert.Assert(t, ok)
	near(t, days, (900-826)/4.0, 1)
	assert.Assert(t, soonest <= days && days <= latest, "%v %v %v", soonest, days, latest)
	_, _, _, ok = Crosses(f, 100)
	assert.Assert(t, !ok, "a rising line does not come down")
	value, low, high := f.Expected(70)
	assert.Assert(t, low <= value && value <= high)
	_, ok = Ahead(ys, Trend{Direction: ci.Steady})
	assert.Assert(t, !ok)
}

// FuzzJudge: whatever the figures are, no number is made up of none, p-values are
// p-values, and turning a series upside down turns its trend.
func FuzzJudge(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 300)]
		up, down := make([]Point, len(data)), make([]Point, len(data))
		ys := make([]float64, len(data))
		for i, b := range data {
			ys[i] = float64(b)
			up[i], down[i] = point(float64(i), float64(b)), point(float64(i), -float64(b))
		}
		a, b := Judge([]Series{{Points: up}}, Rule{})[0], Judge([]Series{{Points: down}}, Rule{})[0]
		turned := map[ci.Direction]ci.Direction{ci.Rising: ci.Falling, ci.Falling: ci.Rising, ci.Steady: ci.Steady, ci.NoTrend: ci.NoTrend}
		if turned[a.Direction] != b.Direction {
			t.Errorf("%s, upside down %s", a.Direction, b.Direction)
		}
		if !(a.P >= 0 && a.P <= 1 && a.Adjusted >= a.P) || a.Line.Low > a.Line.High {
			t.Errorf("%+v", a)
		}
		last := 0
		for _, c := range Changes(ys, ChangeRule{}) {
			if c.At <= last || c.At >= len(ys) || c.P > 0.001 {
				t.Errorf("%+v after %d", c, last)
			}
			last = c.At
		}
	})
}
