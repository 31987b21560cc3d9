package pytest

// letterCount keeps which files the failures stand in, in order: headings come
// in the same order and name no file.
type letterCount struct {
	failed, errors []fileRun
	letters        map[byte]int
}

// fileRun is n letters in a row of one file.
type fileRun struct {
	file string
	n    int
}

func (c *letterCount) add(file string, letters []byte) {
	if c.letters == nil {
		c.letters = map[byte]int{}
	}
	for _, l := range letters {
		c.letters[l]++
		switch l {
		case 'F', 'u':
			c.failed = addRun(c.failed, file)
		case 'E':
			c.errors = addRun(c.errors, file)
		}
	}
}

func addRun(runs []fileRun, file string) []fileRun {
	if n := len(runs); n > 0 && runs[n-1].file == file {
		runs[n-1].n++
		return runs
	}
	if len(runs) >= 100_000 {
		return runs
	}
	return append(runs, fileRun{file, 1})
}

// guessFiles names the file of every heading by the letters of the progress,
// which stand in the order of the headings. Where there are as many of both, the
// letters decide; otherwise a heading whose traceback names no file of tests
// stands between its neighbours.
func (s *session) guessFiles() []string {
	files := make([]string, len(s.blocks))
	if s.xdist {
		return files
	}
	for _, in := range []section{sectFailures, sectErrors} {
		var at []int
		for i := range s.blocks {
			if s.blocks[i].section == in && s.blocks[i].phase != "collect" && s.blocks[i].name != "" {
				at = append(at, i)
			}
		}
		runs := s.letters.failed
		if in == sectErrors {
			runs = s.letters.errors
		}
		if count(runs) == len(at) {
			spread(files, at, runs)
			continue
		}
		s.between(files, at, runs)
	}
	return files
}

func count(runs []fileRun) (n int) {
	for _, r := range runs {
		n += r.n
	}
	return n
}

func spread(files []string, at []int, runs []fileRun) {
	for _, r := range runs {
		for range r.n {
			files[at[0]] = r.file
			at = at[1:]
		}
	}
}

// between fills the gaps: files lists, for blocks without a file of their own,
// the only file with more letters than headings between the neighbours' files.
func (s *session) between(files []string, at []int, runs []fileRun) {
	own := make([]string, len(at))
	left := map[string]int{}
	order := map[string]int{}
	for i, r := range runs {
		left[r.file] += r.n
		order[r.file] = i
	}
	for k, i := range at {
		own[k] = s.blocks[i].testFile()
		left[own[k]]--
	}
	next := ""
	for k := len(at) - 1; k >= 0; k-- {
		if own[k] != "" {
			next = own[k]
			continue
		}
		prev := ""
		for j := k - 1; j >= 0 && prev == ""; j-- {
			prev = own[j]
		}
		file := onlyLeft(runs, left, order, prev, next)
		files[at[k]] = file
		left[file]--
	}
}

// onlyLeft is the one file from prev to next that lacks headings; empty if
// there are several or none.
func onlyLeft(runs []fileRun, left, order map[string]int, prev, next string) string {
	first, last := 0, len(runs)-1
	if i, ok := order[prev]; ok && prev != "" {
		first = i
	}
	if i, ok := order[next]; ok && next != "" {
		last = i
	}
	found := ""
	for i := first; i <= last; i++ {
		file := runs[i].file
		if file == "" || left[file] <= 0 || file == found {
			continue
		}
		if found != "" {
			return ""
		}
		found = file
	}
	return found
}
