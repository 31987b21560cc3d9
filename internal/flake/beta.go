package flake

import "math"

// betaInc is the regularised incomplete beta function I_x(a, b), by Lentz's
// method on its continued fraction (DLMF 8.17.22).
func betaInc(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // the fraction converges fast on the other side only
		return 1 - betaInc(b, a, 1-x)
	}
	front := math.Exp(a*math.Log(x) + b*math.Log1p(-x) - lnBeta(a, b))
	const tiny = 1e-300
	c, d := 1.0, 1-(a+b)*x/(a+1)
	d = 1 / nonzero(d, tiny)
	sum := d
	for m := 1.0; m <= 500; m++ {
		for _, t := range [2]float64{
			m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m)),
			-(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1)),
		} {
			d = 1 / nonzero(1+t*d, tiny)
			c = nonzero(1+t/c, tiny)
			sum *= c * d
		}
		if math.Abs(c*d-1) < 1e-14 {
			break
		}
	}
	return front * sum / a
}

func nonzero(x, tiny float64) float64 {
	if math.Abs(x) < tiny {
		return tiny
	}
	return x
}

// betaQuantile is the x for which betaInc(a, b, x) is p, by bisection: 60 steps
// are exact to a float's precision, and the results are kept by their caller.
func betaQuantile(a, b, p float64) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		mid := (low + high) / 2
		if betaInc(a, b, mid) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

func lnBeta(a, b float64) float64 { return lgamma(a) + lgamma(b) - lgamma(a+b) }

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// jeffreys is the 95 % interval of a rate of which k in n were seen: Jeffreys'
// prior, with the ends closed where nothing or everything was seen, as Brown,
// Cai and DasGupta advise ("Interval estimation for a binomial proportion",
// Statistical Science 16, 2001).
func jeffreys(k, n int) [2]float64 {
	if n == 0 {
		return [2]float64{0, 1}
	}
	out := [2]float64{0, 1}
	a, b := float64(k)+0.5, float64(n-k)+0.5
	if k > 0 {
		out[0] = betaQuantile(a, b, 0.025)
	}
	if k < n {
		out[1] = betaQuantile(a, b, 0.975)
	}
	return out
}
