package llm

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Budget is what one run may use. Zero: no limit of that sort.
type Budget struct {
	Tokens  int
	Dollars float64
}

// ParseBudget reads "200000", "$1.50" or both with a comma between.
func ParseBudget(text string) (Budget, error) {
	var b Budget
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if money, ok := strings.CutPrefix(part, "$"); ok {
			d, err := strconv.ParseFloat(money, 64)
			if err != nil || !(d > 0 && d < 1e9) {
				return b, fmt.Errorf("%q is no amount of money such as $1.50", part)
			}
			b.Dollars = d
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil || n <= 0 {
			return b, fmt.Errorf("%q is neither a number of tokens such as 200000 nor an amount such as $1.50", part)
		}
		b.Tokens = n
	}
	return b, nil
}

// price is dollars for a million tokens, by the beginning of the model's name;
// the longest one counts. Published by the vendors, November 2026.
type price struct {
	prefix        string
	input, output float64
}

var prices = []price{
	{"claude-haiku-", 0.10, 0.50},
	{"claude-sonnet-", 2, 10},
	{"claude-opus-", 4, 20},
	{"claude-fable-", 10, 50},
	{"gpt-6.1-sol", 2, 10},
	{"gpt-6.1-terra", 1, 5},
}

// dearest is what a model of unknown price is counted as, so that a budget in
// money is never passed for want of a price.
var dearest = price{"", 10, 50}

func priceOf(model string) (p price, known bool) {
	for _, row := range prices {
		if strings.HasPrefix(model, row.prefix) && len(row.prefix) > len(p.prefix) {
			p, known = row, true
		}
	}
	if !known {
		return dearest, false
	}
	return p, true
}

func (p price) of(u Usage) float64 {
	return (float64(u.Input)*p.input + float64(u.Output)*p.output) / 1e6
}

// Spent is what a run used.
type Spent struct {
	Requests int
	Usage    Usage
	Dollars  float64
	Guessed  bool // a price was not known: Dollars is an upper bound
}

// String says it for a person.
func (s Spent) String() string {
	requests, about := "requests", ""
	if s.Requests == 1 {
		requests = "request"
	}
	if s.Guessed {
		about = "at most "
	}
	return fmt.Sprintf("%d %s, %d tokens in, %d out, %s$%.4f", s.Requests, requests, s.Usage.Input, s.Usage.Output, about, s.Dollars)
}

// ledger keeps what is spent and what may still be answered for.
type ledger struct {
	mu       sync.Mutex
	budget   Budget
	sum      Spent
	promised Usage
	owed     float64
}

// reserve sets the worst case of a request aside, or says that it is too much.
func (l *ledger) reserve(model string, u Usage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, _ := priceOf(model)
	switch {
	case l.budget.Tokens > 0 && l.sum.Usage.Total()+l.promised.Total()+u.Total() > l.budget.Tokens:
		return fmt.Errorf("%w: %d of %d tokens are used, the question may take %d", ErrBudget, l.sum.Usage.Total(), l.budget.Tokens, u.Total())
	case l.budget.Dollars > 0 && l.sum.Dollars+l.owed+p.of(u) > l.budget.Dollars:
		return fmt.Errorf("%w: $%.4f of $%.2f are used, the question may cost $%.4f", ErrBudget, l.sum.Dollars, l.budget.Dollars, p.of(u))
	}
	l.promised.Input += u.Input
	l.promised.Output += u.Output
	l.owed += p.of(u)
	return nil
}

// book replaces what was reserved by what it was. A provider that claims less
// than nothing is not believed.
func (l *ledger) book(model string, reserved, used Usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, known := priceOf(model)
	used.Input, used.Output = max(used.Input, 0), max(used.Output, 0)
	l.promised.Input -= reserved.Input
	l.promised.Output -= reserved.Output
	l.owed -= p.of(reserved)
	l.sum.Requests++
	l.sum.Usage.Input += used.Input
	l.sum.Usage.Output += used.Output
	l.sum.Dollars += p.of(used)
	l.sum.Guessed = l.sum.Guessed || !known && used.Total() > 0
}

func (l *ledger) spent() Spent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sum
}
