package heal

import "keepgreen/internal/ci"

// Rate is outcomes of a sort of repair.
type Rate struct{ Right, Wrong int }

// mean is the posterior mean under Jeffreys' prior.
func (r Rate) mean() float64 {
	return (float64(r.Right) + 0.5) / (float64(r.Right+r.Wrong) + 1)
}

// together is how many outcomes of its own a fixer needs to count as much as those
// of all fixers: with few, it is one of them rather than one of a kind.
const together = 5

// pooled is the rate drawn towards that of all mechanical fixers.
func (r Rate) pooled() float64 {
	var all Rate
	for _, f := range Fixers() {
		all.Right += f.Rate.Right
		all.Wrong += f.Rate.Wrong
	}
	return (float64(r.Right) + together*all.mean()) / (float64(r.Right+r.Wrong) + together)
}

// unsure is the most that a proposal is worth which has an equal beside it.
const unsure = 0.5

// estimate is the confidence before anything was run: how often such a proposal
// was right, provided that it holds. It only decides whether verification, which
// finds out whether it does, is worth its time.
func (f Fixer) estimate(p Proposal, c ci.Cluster) float64 {
	if !p.Sure {
		return unsure
	}
	rate := f.Rate
	if c.Confidence > 0 && c.Confidence < 0.5 { // the cause itself is doubtful
		rate.Wrong += 1 + rate.Right/2
	}
	return rate.pooled()
}
