package trend

import "strings"

// table makes a map of words of one weight.
func table(out map[string]float64, weight float64, words string) {
	for w := range strings.FieldsSeq(words) {
		out[w] = weight
	}
}

// lexicon is the words that say something of our work whatever they are said of.
// Those of the trade (fail, kill, abort, error, broken, bad, critical, dead,
// attack, reject, illegal) are not in it.
var lexicon = func() map[string]float64 {
	m := map[string]float64{}
	table(m, 2, `thanks thank thx thankyou ty cheers kudos awesome amazing excellent perfect brilliant fantastic wonderful superb love loved loving lovely lgtm plusone impressed
		impressive helpful lifesaver magic bravo yay hooray wow neat nifty sweet kudos`)
	table(m, 1.5, `great nice nicely good agree agreed agrees accepted accept approve approved confirmed happy glad pleased useful correct correctly accurate right exactly precisely
		clever smart handy cool solid elegant convenient appreciate appreciated appreciates grateful delighted satisfied thankful spot-on yep yes yup indeed congrats congratulations
		insightful actionable readable concise sensible beautiful bingo`)
	table(m, 1, `better best cleaner faster easier clear clearer quick quicker saved saves unblocked unblocks works worked resolves resolved solved solves minimal obvious recommend
		recommended enjoy enjoyed win welcome finally shipping merging trust reliable learned improvement`)
	table(m, -2, `useless worthless pointless nonsense garbage rubbish terrible horrible awful annoying annoyed irritating misleading unhelpful wtf ugh spam spammy spamming noise noisy
		hallucination hallucinated hallucinates hallucinating bogus ridiculous silly stupid dumb absurd hate hated minusone misdiagnosed misdiagnosis disappointing disappointed
		frustrating frustrated sucks crap crappy bullshit nope`)
	table(m, -1.5, `wrong wrongly incorrect incorrectly inaccurate confusing confused disagree disagreed worse worst wasted wastes incomplete irrelevant unrelated unnecessary reverted reverting
		rejected rejecting dismissed dismissing overkill untrue unreadable verbose nagging intrusive sloppy unacceptable unusable meh nah sigh sadly unfortunately misses mislead
		misled baffling distracting hopeless weird unclear vague`)
	table(m, -1, `closing ignoring disabling muting muted mute bug hides papers swallows overzealous guesswork blames guess`)
	return m
}()

var negations = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq("not no never hardly without nothing nor neither cannot barely little less isn wasn doesn didn don won aren dont doesnt didnt isnt wasnt wont cant rarely seldom") {
		m[w] = true
	}
	return m
}()

var louder = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq("very really so too totally absolutely completely extremely super much far quite pretty utterly") {
		m[w] = true
	}
	return m
}()

// emoji are kept, since a reply is often nothing else.
var emoji = map[rune]float64{
	'👍': 2, '🎉': 2, '🙏': 2, '❤': 2, '🚀': 1.5, '💯': 2, '✅': 1, '🥳': 2, '😍': 2, '👏': 2, '🙌': 2, '😀': 1.5, '😄': 1.5, '😊': 1.5, '🔥': 1.5, '🤩': 2, '💚': 2, '🏆': 2, '✨': 1.5, '😌': 1,
	'👎': -2, '😡': -2, '😠': -2, '🤦': -2, '🙄': -2, '💩': -2, '😤': -2, '😞': -1.5, '😒': -1.5, '🤮': -2, '😕': -1, '🤬': -2, '😩': -1.5, '😭': -1, '🤔': -0.5,
}

type phrase struct {
	text   string
	weight float64
}

// phrases are said as a whole; their words count for nothing beside them.
var phrases = func() (out []phrase) {
	add := func(weight float64, lines string) {
		for line := range strings.Lines(lines) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, phrase{line, weight})
			}
		}
	}
	add(-3, `thanks for nothing
		thanks but no
		oh great
		great , another
		great , yet another
		yeah right
		sure , because
		nice , another
		for once
		not again
		wrong again
		false positive
		false positives
		false alarm
		false alarms
		makes no sense
		make no sense
		made no sense
		not make sense
		not helpful
		not useful
		not the cause
		not the problem
		not the root cause
		not the reason
		not a bug
		not right
		not correct
		not true
		not what i
		nothing to do with
		for no reason
		no value
		adds nothing
		says nothing
		of no use
		no idea what this
		no idea what it
		turn this off
		turn it off
		switch this off
		switch it off
		disable this
		disable the bot
		shut up
		stop commenting
		stop posting
		please stop
		opt out
		leave me alone
		waste of time
		wasted an hour
		wasted my
		crying wolf
		cries wolf
		papers over
		made it worse
		makes it worse
		makes things worse
		made things worse
		had to revert
		had to undo
		had to redo
		rolled back
		third time today
		every single time
		every push
		way too
		far too
		too noisy
		too long
		too large
		too many comments
		hardly useful
		hardly helpful
		gave up
		fooled me
		sent me
		red herring
		wild goose chase
		missed the actual
		missed the real
		missed the point
		misses the point
		beside the point
		doing more harm
		more harm than good
		i disagree
		do not agree
		not agree
		not convinced
		no thanks
		hard no
		sorry but no
		sorry , no
		only hides
		just hides
		hides the
		hid the
		the real bug
		the actual bug
		shipped a bug
		security hole
		not work
		not compile
		not even compile
		not fix
		not help
		not apply
		still fails
		still failing
		still broken
		broke production
		broke the build
		broke main
		broke the
		rewrote my
		deleted my
		wrong file
		wrong line
		wrong test
		wrong tests
		wrong place
		wrong person
		wrong branch
		wrong cause
		bad suggestion
		bad advice
		bad idea
		bad fix
		poor suggestion
		poor fix`)
	add(2, `good catch
		nice catch
		great catch
		good call
		good point
		good idea
		good find
		nice find
		good job
		nice job
		great job
		nice work
		good work
		great work
		well done
		well spotted
		well caught
		good to know
		good to see
		nice to see
		all good
		very good
		spot on
		on point
		on the money
		nailed it
		that did it
		did the trick
		that was it
		that's it
		makes sense
		make sense
		makes total sense
		as is
		as-is
		without changes
		without edits
		no changes needed
		no notes
		exactly what
		exactly the
		saved me
		saves me
		saved us
		saves us
		not wrong
		no false positives
		no complaints
		no noise
		little noise
		less noise
		less to debug
		not want to mute
		could not have
		could not agree more
		can not complain
		works for me
		works now
		works great
		works well
		you're right
		you are right
		it is right
		it was right
		fix is right
		is right
		was right
		right diagnosis
		looks good
		looks great
		looks right
		looks correct
		green again
		keep it up
		more of this
		big fan
		huge help
		big help
		big time saver
		time saver
		would have missed
		not have found
		not have noticed
		not have seen
		better than mine
		better fix than mine
		before i
		i agree
		fair enough
		fair point
		point taken
		at last`)
	add(-0.01, `right here
		right now
		right away
		right side
		right before
		right after
		better to
		best effort
		good first issue
		clear the
		too good
		any reason
		false for
		bug fix
		bug in
		the bug
		a bug
		noise level
		not sure
		one less
		no longer
		no need
		no new
		i guess
		finally block
		closing the
		works on
		muted by`)
	return out
}()
