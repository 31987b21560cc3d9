package github

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// Sticky is a comment that there shall be once on a pull request, however many
// runs write it at the same time.
type Sticky struct {
	Login string // whose comments count; nobody else's are touched
	Ours  func(body string) bool
	Newer func(have string) bool            // what we have to say is newer than what stands there
	Body  func(have string) (string, error) // what is to stand instead of it; have is "" for none, and the answer "" leaves it
}

// What became of a sticky comment.
const (
	StickyCreated   = "created"
	StickyEdited    = "edited"
	StickyUnchanged = "unchanged" // it says this already
	StickyNewer     = "newer"     // it is a newer run's, and stays
	StickyNothing   = "nothing"   // there is none, and none is wanted
)

const (
	lockSign   = "eyes"
	lockStale  = 4 * time.Minute // above the longest waits of a holder that lives
	lockPoll   = 2 * time.Second
	maxRounds  = 8
	lockPolls  = 15 // how often the same lock is seen before it is broken
	maxPolls   = 60
	seenPoll   = time.Second
	maxSeeking = 10
)

// KeepComment brings a sticky comment up to date. GitHub has no comparison and
// no lock for comments, so this is how runs keep out of each other's way:
//
//   - The comment with the lowest id is the comment. Whoever made another one at
//     the same time finds the lower id as soon as the list shows its own, because
//     lists show comments in the order they were made; it then removes its own.
//   - The comment is read and edited while our account's 👀 stands on it: of
//     several who react at once, GitHub tells exactly one that it is the first.
//   - What stands there and is newer is left alone.
func (c *Client) KeepComment(ctx context.Context, number int, s Sticky) (Comment, string, error) {
	var made Comment // what we made in an earlier round
	for range maxRounds {
		ours, err := c.sticky(ctx, number, s, made)
		if err != nil {
			return Comment{}, "", err
		}
		if len(ours) == 0 {
			first, body, err := c.firstComment(ctx, number, s)
			if err != nil || body == "" {
				return first, StickyNothing, err
			}
			made = first
			continue
		}
		kept, what, err := c.editLocked(ctx, ours[0].ID, s)
		if errors.Is(err, ErrNotFound) {
			made = Comment{} // somebody removed it under our hands: once more from the start
			continue
		}
		if err != nil {
			return Comment{}, "", err
		}
		if made.ID == kept.ID && what == StickyUnchanged {
			what = StickyCreated
		}
		return kept, what, c.removeDuplicates(ctx, ours[1:], s, made.ID)
	}
	return Comment{}, "", &Error{What: "keep one comment", Message: "it is removed again and again", kind: ErrConflict}
}

// firstComment makes the comment where there is none.
func (c *Client) firstComment(ctx context.Context, number int, s Sticky) (Comment, string, error) {
	body, err := s.Body("")
	if err != nil || body == "" {
		return Comment{}, "", err
	}
	made, err := c.CreateComment(ctx, number, body)
	return made, body, err
}

// sticky lists our comments with that marker, the lowest id first. If we have
// made one, there was none before it, and the list of the last minutes is asked
// for until it shows ours: lists lag behind.
func (c *Client) sticky(ctx context.Context, number int, s Sticky, made Comment) ([]Comment, error) {
	var since time.Time
	if made.ID != 0 {
		since = made.Created.Add(-lockStale)
	}
	for try := 0; ; try++ {
		all, err := c.commentsSince(ctx, number, since)
		if err != nil {
			return nil, err
		}
		ours := slices.DeleteFunc(all, func(one Comment) bool { return !SameLogin(one.Author, s.Login) || !s.Ours(one.Body) })
		slices.SortFunc(ours, func(a, b Comment) int { return cmp.Compare(a.ID, b.ID) })
		if made.ID == 0 || slices.ContainsFunc(ours, func(one Comment) bool { return one.ID == made.ID }) {
			return ours, nil
		}
		mine, err := c.Comment(ctx, made.ID)
		switch {
		case errors.Is(err, ErrNotFound):
			return ours, nil // somebody has removed it
		case err != nil:
			return nil, err
		case try == maxSeeking: // the list is far behind; we know better
			return append(ours, mine), nil
		}
		if err := c.sleep(ctx, seenPoll<<min(try, 4)); err != nil {
			return nil, err
		}
	}
}

// editLocked reads the comment and writes over it while nobody else does.
func (c *Client) editLocked(ctx context.Context, id int64, s Sticky) (Comment, string, error) {
	var seen waiting
	for try := range maxPolls {
		have, err := c.Comment(ctx, id) // not what the list said: that may be old
		if err != nil {
			return Comment{}, "", err
		}
		if what, err := standing(have, s); what != "" || err != nil {
			return have, what, err
		}
		unlock, locked, err := c.lock(ctx, id, s.Login, &seen)
		if err != nil {
			return Comment{}, "", err
		}
		if !locked {
			if err := c.sleep(ctx, lockPoll<<min(try, 3)); err != nil {
				return Comment{}, "", err
			}
			continue
		}
		defer unlock()
		return c.edit(ctx, id, s)
	}
	return Comment{}, "", &Error{What: "lock the comment", Message: "other runs write it all the time", kind: ErrConflict}
}

// edit is the part that the lock is for.
func (c *Client) edit(ctx context.Context, id int64, s Sticky) (Comment, string, error) {
	have, err := c.Comment(ctx, id)
	if err != nil {
		return Comment{}, "", err
	}
	if what, err := standing(have, s); what != "" || err != nil {
		return have, what, err
	}
	body, err := s.Body(have.Body)
	if err != nil {
		return Comment{}, "", err
	}
	edited, err := c.EditComment(ctx, id, body)
	return edited, StickyEdited, err
}

// standing says why what stands there can stay; "": it cannot.
func standing(have Comment, s Sticky) (string, error) {
	if !s.Newer(have.Body) {
		return StickyNewer, nil
	}
	body, err := s.Body(have.Body)
	if err != nil || body == "" || body == have.Body {
		return StickyUnchanged, err
	}
	return "", nil
}

// waiting is what somebody who waits for a lock has seen of it.
type waiting struct {
	lock  int64 // the reaction
	times int   // in a row
}

// lock takes the comment's lock, if nobody has it. A lock is broken when it is
// old, and whoever breaks it has seen the same one all the while: a clock alone
// may jump. A token that may not react goes without.
func (c *Client) lock(ctx context.Context, comment int64, login string, seen *waiting) (unlock func(), locked bool, err error) {
	held, err := c.Reactions(ctx, comment)
	if err != nil {
		return nil, false, err
	}
	for _, r := range held {
		if r.Content != lockSign || !SameLogin(r.Login, login) {
			continue
		}
		if seen.lock != r.ID {
			*seen = waiting{lock: r.ID}
		}
		seen.times++
		if seen.times < lockPolls || c.now().Sub(r.Created) < lockStale {
			return nil, false, nil
		}
		if err := c.Unreact(ctx, comment, r.ID); err != nil {
			return nil, false, err
		}
	}
	r, first, err := c.React(ctx, comment, lockSign)
	switch {
	case errors.Is(err, ErrForbidden):
		return func() {}, true, nil
	case err != nil || !first:
		return nil, false, err
	}
	return func() { _ = c.Unreact(context.WithoutCancel(ctx), comment, r.ID) }, true, nil // one that stays is broken by a later run
}

// removeDuplicates removes the comment that we made ourselves beside the first
// one, and what a run that is gone has left. A duplicate that is young or newer
// is of a run that has not finished and clears up after itself.
func (c *Client) removeDuplicates(ctx context.Context, others []Comment, s Sticky, made int64) error {
	for _, one := range others {
		left := s.Newer(one.Body) && c.now().Sub(one.Created) > lockStale
		if one.ID != made && !left {
			continue
		}
		if err := c.DeleteComment(ctx, one.ID); err != nil {
			return err
		}
	}
	return nil
}
