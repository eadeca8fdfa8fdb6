package dashboards

import (
	"math"
	"strconv"

	"throng"
)

// notAveraged is why a month has no share of bots.
const notAveraged throng.Reason = "not_averaged"

// botsView is the share of bots among a site's bots and readers of a day, in devices.
type botsView struct {
	Percent throng.Measure
	// Under is a bound in per cent where the bots did not pass their gate and a row's devices show that the
	// readers did: there are too few bots, and so few beside the readers. 0 is none.
	Under int64
}

// botsOf gives the share of bots; releases of the earlier form have none.
func botsOf(rel *throng.Release) botsView {
	if rel.BotPercent == (throng.Measure{}) {
		return botsView{Percent: throng.Blank(throng.NotDrawn)}
	}
	return botsView{rel.BotPercent, botsUnder(rel)}
}

// botsUnder bounds a share that is below its gate, from published numbers alone. Whoever failed the gate is fewer
// than it and two σ (in 39 cases of 40), and there are at least as many readers as the lower end of the largest
// row's interval. Where that end is no further above the gate, it may have been the readers who failed.
func botsUnder(rel *throng.Release) int64 {
	draw, drawn := rel.Parameters.Draw(throng.DrawBots)
	if !drawn || rel.BotPercent.Reason() != throng.BelowGate {
		return 0
	}
	var readers int64
	for _, row := range rel.Rows {
		if e, ok := row.Devices.Estimate(); ok {
			readers = max(readers, e.Low)
		}
	}
	bots := float64(draw.Gate) + 2*draw.Sigma
	if float64(readers) < bots+2*draw.Sigma {
		return 0
	}
	return int64(math.Ceil(100 * bots / (bots + float64(readers))))
}

// Cell writes the share for a table.
func (v botsView) Cell() cell {
	if v.Under > 0 {
		return cell{Value: "under " + perCent(v.Under), Range: "too few for a number"}
	}
	e, ok := v.Percent.Estimate()
	switch {
	case v.Percent.Reason() == throng.NotSummed:
		return cell{Reason: notAveraged}
	case !ok:
		return cell{Reason: v.Percent.Reason()}
	}
	return cell{Value: perCent(e.Value), Range: perCent(e.Low) + enDash + perCent(e.High)}
}

// drawnBots is the cell of a release's share; nil where it was not drawn.
func drawnBots(of *sheet) *cell {
	if r := of.Brief.Bots.Percent.Reason(); r == throng.NotDrawn || r == throng.NotSummed {
		return nil
	}
	c := of.Brief.Bots.Cell()
	return &c
}

// perCent writes a share in whole per cent, in which it is published.
func perCent(n int64) string { return strconv.FormatInt(n, 10) + thin + "%" }
