package dashboards

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"throng"
)

// entry is what the pages and the manifest need of a ledger entry. Entries with a SHA-256 are those that
// say that a file was published: of a release that was drawn, or of a month that was summed. Whether
// the chain holds is for `throng verify` to say.
type entry struct {
	Seq        int64              `json:"seq"`
	Kind       string             `json:"kind"`
	Release    *throng.ReleaseID  `json:"release"`
	Tree       int                `json:"tree"`
	Parameters *throng.Parameters `json:"parameters"`
	SHA256     string             `json:"sha256"`
	Hash       string             `json:"hash"`
}

// publishes tells whether the entry says that a file was published.
func (e entry) publishes() bool { return e.SHA256 != "" && e.Release != nil }

// Rho is what a reservation may cost a device.
func (e entry) Rho() float64 {
	if e.Parameters == nil {
		return 0
	}
	return rho(*e.Parameters)
}

// entries reads the ledger; errNothing where it is not published.
func (h *Handler) entries(ctx context.Context) (list []entry, ledger []byte, err error) {
	if h.ledger == nil {
		return nil, nil, errNothing
	}
	if ledger, err = h.ledger(ctx); err != nil {
		return nil, nil, fmt.Errorf("read ledger: %w", err)
	}
	for line := range bytes.Lines(ledger) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, nil, fmt.Errorf("read ledger: entry %d: %w", len(list), err)
		}
		list = append(list, e)
	}
	return list, ledger, nil
}

// spent is what one device that came in every period of a month can have lost at most, by zCDP as the
// method page has it. Days counts the days and Spans the spans that were paid for.
type spent struct {
	Site, Month         string
	Days, Spans         int
	Rho, Epsilon, Delta float64
	// Day is the largest ρ of a day, of all its tables together, and DayEpsilon the ceiling on ε that
	// the day's reservations state.
	Day, DayEpsilon float64
}

// spentOf adds up the reservations by site and month, latest month first.
func spentOf(list []entry) []spent {
	type key struct{ site, month string }
	type period struct {
		site string
		throng.Period
	}
	months, seen := map[key]*spent{}, map[period]float64{}
	noise := map[key]float64{}
	for _, e := range list {
		if e.Release == nil || e.Parameters == nil {
			continue
		}
		first := e.Release.Period.First().String()
		k, p := key{e.Release.Site, first[:len("2006-01")]}, period{e.Release.Site, e.Release.Period}
		m := months[k]
		if m == nil {
			m = &spent{Site: k.site, Month: k.month}
			months[k] = m
		}
		if _, again := seen[p]; !again {
			m.Delta += e.Parameters.ThresholdDelta
			noise[k] = max(noise[k], e.Parameters.NoiseDelta)
			if e.Release.Period.Kind() == throng.SpanPeriod {
				m.Spans++
			} else {
				m.Days++
			}
		}
		seen[p] += e.Rho()
		m.Rho += e.Rho()
		if e.Release.Period.Kind() == throng.DayPeriod {
			m.Day, m.DayEpsilon = max(m.Day, seen[p]), max(m.DayEpsilon, e.Parameters.Epsilon)
		}
	}
	var all []spent
	for k, m := range months {
		m.Delta += noise[k]
		m.Epsilon = epsilonZCDP(m.Rho, noise[k])
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b spent) int { return cmp.Or(cmp.Compare(b.Month, a.Month), cmp.Compare(a.Site, b.Site)) })
	return all
}
