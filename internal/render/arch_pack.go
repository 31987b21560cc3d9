package render

import (
	"cmp"
	"math"
	"path"
	"slices"
)

// circle is a file or folder of the hotspot map.
type circle struct {
	Name, Title string
	Class       string // how hot a file is: "h0" … "h4"; of a folder: "folder"
	X, Y, R     float64
	heat        float64
	parts       []*circle
}

// gap is the room between circles, in units of the map, whose width is 1000.
const gap = 1.5

// pack lays the parts of a circle out so that none overlaps, and sets its own
// radius: the front-chain packing of Wang et al. (CHI 2006), as d3-hierarchy
// does it.
func (c *circle) pack() {
	for _, p := range c.parts {
		p.pack()
	}
	if len(c.parts) == 0 {
		return
	}
	slices.SortStableFunc(c.parts, func(a, b *circle) int { return cmp.Compare(b.R, a.R) })
	for _, p := range c.parts {
		p.R += gap
	}
	siblings(c.parts)
	x, y, r := enclose(c.parts)
	for _, p := range c.parts {
		p.X, p.Y, p.R = p.X-x, p.Y-y, p.R-gap
	}
	c.R = r + gap
}

// place moves the parts to where they stand on the map.
func (c *circle) place(x, y, scale float64) {
	c.X, c.Y, c.R = x+c.X*scale, y+c.Y*scale, c.R*scale
	for _, p := range c.parts {
		p.place(c.X, c.Y, scale)
	}
}

// siblings packs circles around the first one, each touching two before it.
func siblings(list []*circle) {
	list[0].X, list[0].Y = 0, 0
	if len(list) == 1 {
		return
	}
	list[0].X, list[1].X = -list[1].R, list[0].R
	if len(list) == 2 {
		return
	}
	touch(list[1], list[0], list[2])
	a, b, c := &front{circle: list[0]}, &front{circle: list[1]}, &front{circle: list[2]}
	a.next, c.prev, b.next, a.prev, c.next, b.prev = b, b, c, c, a, a
	for i := 3; i < len(list); {
		touch(a.circle, b.circle, list[i])
		if j, ahead := a.blocked(b, list[i]); j != nil { // shorten the chain and try again
			if ahead {
				b = j
			} else {
				a = j
			}
			a.next, b.prev = b, a
			continue
		}
		n := &front{circle: list[i], prev: a, next: b}
		a.next, b.prev = n, n
		b = n
		best := a.score()
		for n = n.next; n != b; n = n.next {
			if s := n.score(); s < best {
				a, best = n, s
			}
		}
		b = a.next
		i++
	}
}

// front is a link of the chain of outer circles.
type front struct {
	*circle
	prev, next *front
}

// blocked is the nearest circle of the chain that c would overlap, and whether
// it stands ahead of b.
func (a *front) blocked(b *front, c *circle) (at *front, ahead bool) {
	j, k, before, behind := b.next, a.prev, b.R, a.R
	for {
		if before <= behind {
			if overlap(j.circle, c) {
				return j, true
			}
			before += j.R
			j = j.next
		} else {
			if overlap(k.circle, c) {
				return k, false
			}
			behind += k.R
			k = k.prev
		}
		if j == k.next {
			return nil, false
		}
	}
}

func (a *front) score() float64 {
	b := a.next
	r := a.R + b.R
	x, y := (a.X*b.R+b.X*a.R)/r, (a.Y*b.R+b.Y*a.R)/r
	return x*x + y*y
}

func overlap(a, b *circle) bool {
	r := a.R + b.R - 1e-6
	x, y := b.X-a.X, b.Y-a.Y
	return r > 0 && r*r > x*x+y*y
}

// touch puts c where it touches both others.
func touch(b, a, c *circle) {
	dx, dy := b.X-a.X, b.Y-a.Y
	d2 := dx*dx + dy*dy
	if d2 == 0 {
		c.X, c.Y = a.X+c.R, a.Y
		return
	}
	a2, b2 := (a.R+c.R)*(a.R+c.R), (b.R+c.R)*(b.R+c.R)
	if a2 > b2 {
		x := (d2 + b2 - a2) / (2 * d2)
		y := math.Sqrt(max(0, b2/d2-x*x))
		c.X, c.Y = b.X-x*dx-y*dy, b.Y-x*dy+y*dx
		return
	}
	x := (d2 + a2 - b2) / (2 * d2)
	y := math.Sqrt(max(0, a2/d2-x*x))
	c.X, c.Y = a.X+x*dx-y*dy, a.Y+x*dy+y*dx
}

// enclose is a circle around all others, close to the smallest (Bădoiu and
// Clarkson: go a little way to what is farthest, again and again).
func enclose(list []*circle) (x, y, r float64) {
	x, y = list[0].X, list[0].Y
	for i := 1; i <= 200; i++ {
		far, reach := farthest(list, x, y)
		if reach == 0 {
			break
		}
		step := 1 / float64(i+1)
		x, y = x+(far.X-x)*step, y+(far.Y-y)*step
	}
	_, r = farthest(list, x, y)
	return x, y, r
}

func farthest(list []*circle, x, y float64) (*circle, float64) {
	var far *circle
	reach := -1.0
	for _, c := range list {
		if d := math.Hypot(c.X-x, c.Y-y) + c.R; d > reach {
			far, reach = c, d
		}
	}
	return far, reach
}

// hotspotMap packs the files by folder: the area of a file is its code, its
// colour its rank among the hotspots.
func (v ArchView) hotspotMap() []*circle {
	heat := map[string]float64{}
	for _, h := range v.Hotspots {
		heat[h.File] = h.Rank
	}
	root := &circle{Name: v.Repo, Class: "folder"}
	folders := map[string]*circle{".": root, "": root}
	var folder func(dir string) *circle
	folder = func(dir string) *circle {
		if c := folders[dir]; c != nil {
			return c
		}
		c := &circle{Name: dir, Title: dir, Class: "folder"}
		folders[dir] = c
		parent := folder(path.Dir(dir))
		parent.parts = append(parent.parts, c)
		return c
	}
	for i := range v.Metrics {
		m := v.Graph.Modules[i]
		if m.Test || m.Code == 0 || len(root.parts) > maxCircles {
			continue
		}
		dir := folder(path.Dir(path.Clean("/" + m.File))[1:])
		dir.parts = append(dir.parts, v.file(i, heat[m.File]))
	}
	if len(root.parts) == 0 {
		return nil
	}
	root.pack()
	root.X, root.Y = 0, 0
	root.place(500, 500, 495/root.R)
	var out []*circle
	var walk func(c *circle)
	walk = func(c *circle) {
		out = append(out, c)
		for _, p := range c.parts {
			walk(p)
		}
	}
	walk(root)
	return out[:min(len(out), maxCircles)]
}

// maxCircles keeps the page quick.
const maxCircles = 6000
