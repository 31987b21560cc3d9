// Package pool hands out cache blocks.
package pool

// Pool holds free blocks.
type Pool struct{ free []int }

// New makes a pool of n blocks.
func New(n int) *Pool {
	p := &Pool{}
	for i := range n {
		p.free = append(p.free, i)
	}
	return p
}

// Take hands out the next block.
func (p *Pool) Take() int {
	b := p.free[0]
	p.free = p.free[1:]
	return b
}

// Len counts the free blocks.
func (p *Pool) Len() int { return len(p.free) }
