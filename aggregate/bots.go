package aggregate

import (
	"context"
	"fmt"
	"slices"

	"throng"
)

// botRanges is how many ranges of units bots are read in, so that no more than a part of them is in memory.
const botRanges = 16

// botNetwork is a network of a site.
type botNetwork struct {
	site    string
	network uint64
}

// countBots counts distinct bots by site, of one network at most [throng.MaxUnitsPerNetwork]. One bot raises
// its site's number by 1 at most. It is nil for a span, and for tables that do not draw it.
func (p *partition) countBots(ctx context.Context) (map[string]int64, error) {
	if !slices.ContainsFunc(p.drafts, func(d *draft) bool { return d.has(throng.DrawBots) }) {
		return nil, nil
	}
	networks := map[botNetwork]int64{}
	const width = 1 << 60 // of 2⁶⁴ / botRanges
	for i := range throng.UnitToken(botRanges) {
		if err := p.addBots(ctx, i*width, i*width+width-1, networks); err != nil {
			return nil, fmt.Errorf("count bots: %w", err)
		}
	}
	bots := map[string]int64{}
	for of, n := range networks {
		bots[of.site] += min(n, throng.MaxUnitsPerNetwork)
	}
	return bots, nil
}

// addBots counts the bots of a range by network. One that is known in several, since machines were configured
// otherwise, is in the one with the smallest number.
func (p *partition) addBots(ctx context.Context, lo, hi throng.UnitToken, networks map[botNetwork]int64) error {
	type bot struct {
		site string
		unit throng.UnitToken
	}
	of := map[bot]uint64{}
	err := p.store.Bots(ctx, p.period.First(), lo, hi, func(batch []throng.BotUnit) error {
		for _, b := range batch {
			id := bot{b.Site, b.Unit}
			if known, ok := of[id]; !ok || b.Network < known {
				of[id] = b.Network
			}
		}
		return nil
	})
	for id, network := range of {
		networks[botNetwork{id.site, network}]++
	}
	return err
}
