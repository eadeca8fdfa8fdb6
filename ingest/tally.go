package ingest

import (
	"maps"
	"slices"

	"throng"
	"throng/anonymize"
)

// Tally counts lines by what became of them. Every line is counted once:
// Lines = Events + Late + the sum of Rejected. Directives, with which a W3C log says how it is to be
// read, are not counted.
type Tally struct {
	// Lines is the number of lines that were read.
	Lines uint64 `json:"lines"`
	// Events is the number of lines that became an event in a block.
	Events uint64 `json:"events"`
	// Visits, Bots and OptedOut are events of that kind.
	Visits   uint64 `json:"visits"`
	Bots     uint64 `json:"bots"`
	OptedOut uint64 `json:"opted_out"`
	// BotClasses counts Bots by the name of their class.
	BotClasses map[string]uint64 `json:"bot_classes,omitempty"`
	// Signals counts events by the name of their opt-out signal.
	Signals map[string]uint64 `json:"signals,omitempty"`
	// InvalidSignals counts signal fields whose value is outside of its specification: they are no
	// signal, and many of them mean a misconfigured log.
	InvalidSignals uint64 `json:"invalid_signals,omitempty"`
	// Consented counts lines whose DNT was overridden by a consent marker.
	Consented uint64 `json:"consented,omitempty"`
	// Late counts lines of days that are closed.
	Late uint64 `json:"late"`
	// Rejected counts lines that could not be read, by reason.
	Rejected map[string]uint64 `json:"rejected,omitempty"`
}

// reject counts a refused line.
func (t *Tally) reject(reason string) {
	t.Rejected = addCount(t.Rejected, reason, 1)
}

// events counts accepted ones. It looks a name up once for all of them, not for each.
func (t *Tally) events(evs []throng.Event) {
	var bots [throng.Automation + 1]uint64
	var signals [throng.OptOutByName + 1]uint64
	t.Events += uint64(len(evs))
	for i := range evs {
		ev := &evs[i]
		if ev.Visit {
			t.Visits++
		}
		bots[ev.Bot]++
		signals[ev.Signal]++
	}
	for class, n := range bots[throng.Human+1:] {
		t.Bots += n
		t.BotClasses = addCount(t.BotClasses, (throng.Human + 1 + throng.Bot(class)).String(), n)
	}
	for signal, n := range signals[throng.NoSignal+1:] {
		t.OptedOut += n
		t.Signals = addCount(t.Signals, (throng.NoSignal + 1 + throng.Signal(signal)).String(), n)
	}
}

// addCount adds n to what has the name.
func addCount(counts map[string]uint64, name string, n uint64) map[string]uint64 {
	if n == 0 {
		return counts
	}
	if counts == nil {
		counts = map[string]uint64{}
	}
	counts[name] += n
	return counts
}

// signals takes over what an anonymizer counted of signals that are in no event.
func (t *Tally) signals(before, after anonymize.Counts) {
	t.InvalidSignals = after.InvalidDNT + after.InvalidGPC - before.InvalidDNT - before.InvalidGPC
	t.Consented = after.Consented - before.Consented
}

// Add adds o to t.
func (t *Tally) Add(o Tally) {
	t.Lines += o.Lines
	t.Events += o.Events
	t.Visits += o.Visits
	t.Bots += o.Bots
	t.OptedOut += o.OptedOut
	t.Late += o.Late
	t.InvalidSignals += o.InvalidSignals
	t.Consented += o.Consented
	t.BotClasses = addCounts(t.BotClasses, o.BotClasses)
	t.Signals = addCounts(t.Signals, o.Signals)
	t.Rejected = addCounts(t.Rejected, o.Rejected)
}

func addCounts(to, from map[string]uint64) map[string]uint64 {
	for name, n := range from {
		to = addCount(to, name, n)
	}
	return to
}

// Rejects is the number of lines that could not be read.
func (t *Tally) Rejects() uint64 {
	var n uint64
	for _, v := range t.Rejected {
		n += v
	}
	return n
}

// clone is a copy that shares nothing with t.
func (t *Tally) clone() Tally {
	c := *t
	c.BotClasses, c.Signals, c.Rejected = maps.Clone(t.BotClasses), maps.Clone(t.Signals), maps.Clone(t.Rejected)
	return c
}

// Reasons are the reasons of Rejected, most frequent first.
func (t *Tally) Reasons() []string {
	return slices.SortedFunc(maps.Keys(t.Rejected), func(a, b string) int {
		if t.Rejected[a] != t.Rejected[b] {
			return int(t.Rejected[b]) - int(t.Rejected[a])
		}
		if a < b {
			return -1
		}
		return 1
	})
}
