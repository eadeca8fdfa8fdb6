package dashboards

import (
	"cmp"
	"context"
	"slices"

	"throng"
)

// Releases gives what was published. Its methods may be called by many goroutines.
type Releases interface {
	// List names all releases, in any order.
	List(context.Context) ([]throng.ReleaseID, error)
	// Get reads one release. Where there is none the error wraps [io/fs.ErrNotExist]. The result is
	// the caller's.
	Get(context.Context, throng.ReleaseID) (*Stored, error)
}

// Stored is a release as it lies in its file.
type Stored struct {
	*throng.Release
	// Body is the file, byte for byte.
	Body []byte
	// SHA256 of Body, in hexadecimal.
	SHA256 string
}

// history is what was released of one site and table, latest first; of periods that end on one day
// the shortest comes first.
type history []throng.Period

func historyOf(ids []throng.ReleaseID, site, table string) history {
	var h history
	for _, id := range ids {
		if id.Site == site && id.Table == table {
			h = append(h, id.Period)
		}
	}
	slices.SortFunc(h, func(a, b throng.Period) int {
		return cmp.Or(cmp.Compare(b.Last(), a.Last()), cmp.Compare(a.Kind(), b.Kind()))
	})
	return h
}

// of keeps the periods of one kind.
func (h history) of(kind throng.PeriodKind) history {
	var same history
	for _, p := range h {
		if p.Kind() == kind {
			same = append(same, p)
		}
	}
	return same
}

// window is up to n periods of one kind that end with until or before it, in the order of time; the zero
// period is no limit. Before and After are the last periods of the windows beside it, zero where there is
// none.
type window struct {
	Periods       []throng.Period
	Before, After throng.Period
}

func (h history) window(kind throng.PeriodKind, until throng.Period, n int) window {
	same := h.of(kind)
	from := 0
	if until != (throng.Period{}) {
		from = slices.IndexFunc(same, func(p throng.Period) bool { return p.Last() <= until.Last() })
		if from < 0 {
			from = len(same)
		}
	}
	to := min(from+n, len(same))
	w := window{Periods: slices.Clone(same[from:to])}
	slices.Reverse(w.Periods)
	if to < len(same) {
		w.Before = same[to]
	}
	if from > 0 {
		w.After = same[max(from-n, 0)]
	}
	return w
}

// latest is the period to begin with: the newest day, or the newest of all where there are no days; ok
// is false for an empty history.
func (h history) latest() (p throng.Period, ok bool) {
	if days := h.of(throng.DayPeriod); days != nil {
		return days[0], true
	}
	if len(h) > 0 {
		return h[0], true
	}
	return throng.Period{}, false
}

// around gives the neighbours of p among the periods of its kind; the zero period is none.
func (h history) around(p throng.Period) (previous, next throng.Period) {
	same := h.of(p.Kind())
	i := slices.Index(same, p)
	if i > 0 {
		next = same[i-1]
	}
	if i >= 0 && i+1 < len(same) {
		previous = same[i+1]
	}
	return previous, next
}
